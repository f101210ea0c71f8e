/** Help texts, as oclif lays them out. */

import { type Config, loadHelpClass } from '@oclif/core';

/** Prints help of a verb, of a topic, or (no words) of everything. */
export async function showHelp(config: Config, words: readonly string[]): Promise<void> {
  const Help = await loadHelpClass(config);
  await new Help(config, config.pjson.oclif.helpOptions ?? {}).showHelp([...words]);
}
