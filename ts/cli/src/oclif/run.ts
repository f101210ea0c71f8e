/** The path through oclif: help, verbs with hooks, plugins, and what nobody knows. */

import { fileURLToPath } from 'node:url';
import { Config, type Interfaces, Plugin } from '@oclif/core';
import { unknownVerb } from '../catalog.ts';
import type { Io } from '../io.ts';
import { pluginDirectory, remarkLeftOut } from '../plugins/hooked.ts';
import { readIndex } from '../plugins/index-file.ts';
import { shareOwnPackages } from '../plugins/own-packages.ts';
import type { PluginRecord } from '../plugins/record.ts';
import { showHelp } from './help.ts';
import { fire } from './hooks.ts';
import { toOclifHooks, toOclifPlugin } from './plugins.ts';

/** The npm package: it holds oclif's configuration. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const HELP_WORDS: readonly string[] = ['help', '--help', '-h'];

/**
 * Runs a command line; resolves with its exit code.
 *
 * @throws CtrError `UNKNOWN_COMMAND`, `PLUGIN_BROKEN`, `PLUGIN_REFUSED`
 */
export async function runOclif(argv: readonly string[], io: Io): Promise<number> {
  const records = installedPlugins(io);
  const config = await load(records, io);
  const [first = ''] = argv;
  const asksFirst = HELP_WORDS.includes(first);
  const words = (asksFirst ? argv.slice(1) : argv).filter((word) => !word.startsWith('-'));
  if (asksFirst && words.length === 0) return help(config, []);

  const found = findCommand(config, words);
  if (found === undefined) {
    const topic = config.findTopic(first === words[0] || asksFirst ? (words[0] ?? '') : '');
    if (topic === undefined || words.length > 1) {
      const others = records.flatMap(({ commands }) => commands.map(({ id }) => id));
      throw unknownVerb(words.length > 0 ? words : argv, others);
    }
    return help(config, words);
  }
  const { id, size } = found;
  if (asksFirst || argv[size] === '--help') return help(config, words.slice(0, size));

  addHooks(config, records, words.slice(0, size).join(' '));
  return runCommand(config, id, argv.slice(size), io);
}

/**
 * As oclif's own dispatch, which cannot be used: it takes a --help that belongs to the container's
 * command for one of its own, and swallows what hooks throw.
 */
async function runCommand(config: Config, id: string, argv: string[], io: Io): Promise<number> {
  process.exitCode = 0;
  await fire(config, 'init', { argv, id }, io);
  const Command = await config.findCommand(id, { must: true }).load();
  await fire(config, 'prerun', { argv, Command }, io);
  const result: unknown = await Command.run(argv, config);
  await fire(config, 'postrun', { argv, Command, result }, io);
  return Number(process.exitCode);
}

/** Plugins that cannot be read are left out with a remark. */
function installedPlugins(io: Io): readonly PluginRecord[] {
  try {
    return readIndex(pluginDirectory(io.env)).plugins;
  } catch (error) {
    remarkLeftOut(error, io);
    return [];
  }
}

/** Given its plugins, oclif looks for none by itself. */
async function load(records: readonly PluginRecord[], io: Io): Promise<Config> {
  const own = new Plugin({ isRoot: true, root: ROOT });
  await own.load();
  const directory = records.length === 0 ? '' : pluginDirectory(io.env);
  const plugins = [own, ...records.map((record) => toOclifPlugin(directory, record))];
  return Config.load({
    root: ROOT,
    plugins: new Map(plugins.map((plugin) => [plugin.name, plugin] as [string, Interfaces.Plugin])),
  });
}

function addHooks(config: Config, records: readonly PluginRecord[], id: string): void {
  for (const record of records) {
    const plugin = config.plugins.get(record.name);
    if (!plugin || !record.hookedVerbs.includes(id)) continue;
    plugin.hooks = toOclifHooks(record);
    shareOwnPackages();
  }
}

function findCommand(config: Config, words: readonly string[]) {
  for (const size of [2, 1]) {
    const id = words.slice(0, size).join(':');
    if (words.length >= size && config.findCommand(id)) return { id, size };
  }
  return undefined;
}

async function help(config: Config, words: readonly string[]): Promise<number> {
  await showHelp(config, words);
  return 0;
}
