/** Which words plugins may use: none that is ours, docker's or another plugin's. */

import { CtrError } from '@ctr-ts/sdk';
import { DIRECT_VERBS, isNotYet, OCLIF_VERBS } from '../catalog.ts';
import type { Index, PluginRecord } from './record.ts';

/** The word a command begins with, by which it is found. */
export function firstWord(id: string): string {
  return id.split(' ')[0] ?? id;
}

/** Whether a word is ours, or docker's and so ours one day. */
export function isReserved(word: string): boolean {
  const ours = [...Object.keys(DIRECT_VERBS), ...Object.keys(OCLIF_VERBS)].map(firstWord);
  return word === 'help' || isNotYet(word) || ours.includes(word);
}

/**
 * Refuses a plugin that would take a word that is not free.
 *
 * @throws CtrError `PLUGIN_COLLISION`
 */
export function requireFreeNames(
  { name, commands }: Pick<PluginRecord, 'name' | 'commands'>,
  { plugins }: Index,
): void {
  for (const { id } of commands) {
    const word = firstWord(id);
    if (isReserved(word)) {
      throw collision(
        name,
        id,
        `${word} is a word of ctr-ts or docker`,
        'plugins add commands, they replace none',
      );
    }
    const other = plugins.find(
      (plugin) => plugin.name !== name && plugin.commands.some((row) => firstWord(row.id) === word),
    );
    if (other === undefined) continue;
    throw collision(
      name,
      id,
      `${word} belongs to plugin ${other.name}`,
      `ctr-ts plugins uninstall ${other.name}`,
    );
  }
}

function collision(name: string, id: string, reason: string, hint: string): CtrError {
  return new CtrError('PLUGIN_COLLISION', `add command ${id} of ${name}: ${reason}`, { hint });
}
