/** Rows of the index as oclif's plugins: found and shown without loading their code. */

import { resolve } from 'node:path';
import type { Command, Interfaces } from '@oclif/core';
import { broken, loadCommands } from '../plugins/load.ts';
import { firstWord, isReserved } from '../plugins/names.ts';
import type { CommandRecord, PluginRecord } from '../plugins/record.ts';
import { toGrammar, toVerb } from '../plugins/verb.ts';
import { toCommand } from './command.ts';

/** One plugin for oclif's Config. Its hooks are added when the verb is known. */
export function toOclifPlugin(directory: string, plugin: PluginRecord): Interfaces.Plugin {
  const { name, version } = plugin;
  const root = resolve(directory, plugin.root);
  // A word may have become ours since: then it means our verb.
  const records = plugin.commands.filter(({ id }) => !isReserved(firstWord(id)));
  const commands = records.map((record) => toLoadable(record, { ...plugin, root }));
  const find = async (id: string): Promise<Command.Class> => {
    const command = commands.find((candidate) => candidate.id === id);
    if (command === undefined) throw broken(name, `it has no command ${id}`);
    return command.load();
  };
  return {
    _base: '',
    alias: name,
    commandIDs: commands.map(({ id }) => id),
    commands,
    commandsDir: undefined,
    findCommand: find,
    hasManifest: true,
    hooks: {},
    isRoot: false,
    load: async () => {},
    moduleType: 'module',
    name,
    options: { root },
    pjson: { name, version, oclif: {} } as Interfaces.PJSON,
    root,
    topics: [],
    type: 'user',
    valid: true,
    version,
  };
}

/** The hooks of a plugin in oclif's terms. */
export function toOclifHooks({ hooks }: PluginRecord): Interfaces.Plugin['hooks'] {
  return Object.fromEntries(
    Object.entries(hooks).map(([event, paths]) => [
      event,
      paths.map((target) => ({ identifier: 'default', target })),
    ]),
  );
}

function toLoadable(record: CommandRecord, plugin: PluginRecord): Command.Loadable {
  const face = toCommand({ ...toGrammar(record), execute: async () => 0 });
  return {
    aliases: [],
    args: {},
    examples: face.examples,
    flags: Object.fromEntries(
      Object.entries(face.flags).map(([name, flag]) => [name, { ...flag, name }]),
    ) as Command.Loadable['flags'],
    hasDynamicHelp: false,
    hidden: false,
    hiddenAliases: [],
    id: record.id.replace(' ', ':'),
    load: () => load(record.id, plugin),
    pluginAlias: plugin.name,
    pluginName: plugin.name,
    pluginType: 'user',
    strict: false,
    summary: record.summary,
    usage: face.usage,
  } as Command.Loadable;
}

async function load(id: string, plugin: PluginRecord): Promise<Command.Class> {
  const commands = await loadCommands(plugin);
  const command = commands.find((candidate) => candidate.id === id);
  if (command === undefined) throw broken(plugin.name, `it has no command ${id} any more`);
  return toCommand(toVerb(command, plugin));
}
