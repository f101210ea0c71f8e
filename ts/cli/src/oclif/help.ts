/** Help texts, as oclif lays them out; commands of plugins in a section of their own. */

import { type Command, type Config, Help, type Interfaces } from '@oclif/core';

/** Prints help of a verb, of a topic, or (no words) of everything. */
export async function showHelp(config: Config, words: readonly string[]): Promise<void> {
  await new OwnHelp(config, config.pjson.oclif.helpOptions ?? {}).showHelp([...words]);
}

class OwnHelp extends Help {
  /** At the top, lists are of what is ours. */
  #atTop = false;

  protected override get sortedCommands(): Command.Loadable[] {
    const all = super.sortedCommands;
    return this.#atTop ? all.filter((command) => this.#isOwn(command)) : all;
  }

  protected override get sortedTopics(): Interfaces.Topic[] {
    const all = super.sortedTopics;
    if (!this.#atTop) return all;
    const own = this.config.commands.filter((command) => this.#isOwn(command));
    return all.filter(({ name }) => own.some(({ id }) => id.startsWith(`${name}:`)));
  }

  protected override async showRootHelp(): Promise<void> {
    const others = this.sortedCommands.filter((command) => !this.#isOwn(command));
    this.#atTop = true;
    await super.showRootHelp();
    this.#atTop = false;
    if (others.length === 0) return;
    const rows = others.map((command): [string, string] => [
      command.id.replaceAll(':', ' '),
      `${this.summary(command) ?? ''} (${command.pluginName})`,
    ]);
    this.log(this.section('COMMANDS OF PLUGINS', rows));
    this.log('');
  }

  #isOwn({ pluginName }: Command.Loadable): boolean {
    return pluginName === this.config.name;
  }
}
