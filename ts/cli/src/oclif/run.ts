/** The path through oclif: help, verbs with hooks, plugins, and what nobody knows. */

import { fileURLToPath } from 'node:url';
import { Config, run } from '@oclif/core';
import { unknownVerb } from '../catalog.ts';
import { showHelp } from './help.ts';

/** The npm package: it holds oclif's configuration. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const HELP_WORDS: readonly string[] = ['help', '--help', '-h'];

/**
 * Runs a command line; resolves with its exit code.
 *
 * @throws CtrError `UNKNOWN_COMMAND`
 */
export async function runOclif(argv: readonly string[]): Promise<number> {
  const config = await Config.load({ root: ROOT });
  const [first = ''] = argv;
  const asksFirst = HELP_WORDS.includes(first);
  const words = (asksFirst ? argv.slice(1) : argv).filter((word) => !word.startsWith('-'));
  if (asksFirst && words.length === 0) return help(config, []);

  const found = findCommand(config, words);
  if (found === undefined) {
    const topic = config.findTopic(first === words[0] || asksFirst ? (words[0] ?? '') : '');
    if (topic === undefined || words.length > 1) throw unknownVerb(words.length > 0 ? words : argv);
    return help(config, words);
  }
  const { id, size, own } = found;
  if (asksFirst || argv[size] === '--help') return help(config, words.slice(0, size));

  // Plugins' commands are oclif's to run; ours are called by id, because oclif's own dispatch
  // takes a --help that belongs to the container's command for one of its own.
  process.exitCode = 0;
  if (own) {
    await config.runHook('init', { argv: argv.slice(size), id });
    await config.runCommand(id, argv.slice(size));
  } else {
    await run([...argv], config);
  }
  return Number(process.exitCode);
}

function findCommand(config: Config, words: readonly string[]) {
  for (const size of [2, 1]) {
    const id = words.slice(0, size).join(':');
    const command = words.length >= size ? config.findCommand(id) : undefined;
    if (command) return { id, size, own: command.pluginName === config.name };
  }
  return undefined;
}

async function help(config: Config, words: readonly string[]): Promise<number> {
  await showHelp(config, words);
  return 0;
}
