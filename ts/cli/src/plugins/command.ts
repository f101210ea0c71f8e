/** The commands a plugin's module exports, checked: the module may be plain JavaScript. */

import type { Command, CommandFlag, CommandPositionals } from '@ctr-ts/plugin';
import { CtrError } from '@ctr-ts/sdk';
import type { CommandRecord } from './record.ts';

type Row = Readonly<Record<string, unknown>>;

/** One word or two, as our own verbs have. */
const ID = /^[a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)?$/;

const FLAG_NAME = /^[a-z0-9][a-z0-9-]*$/;

/** Every command has these. */
const OUR_FLAGS: readonly string[] = ['help', 'json'];

/**
 * The commands that a module exports.
 *
 * @throws CtrError `PLUGIN_INVALID`
 */
export function readCommands(plugin: string, module: Row): Command[] {
  const { commands } = module;
  if (!Array.isArray(commands) || commands.length === 0) {
    throw invalid(plugin, 'its module exports no array `commands`');
  }
  const checked = commands.map((command: unknown) => readCommand(plugin, command));
  const ids = checked.map(({ id }) => id);
  for (const [index, id] of ids.entries()) {
    if (ids.indexOf(id) !== index) throw invalid(plugin, `it has two commands ${id}`);
    const [first = ''] = id.split(' ');
    if (first !== id && ids.includes(first)) {
      throw invalid(plugin, `${id} could also mean ${first} with an argument`);
    }
  }
  return checked;
}

/** What of a command is written down. */
export function toRecord({ id, summary, examples, flags, positionals }: Command): CommandRecord {
  return { id, summary, examples: examples ?? [], flags: flags ?? [], positionals };
}

function readCommand(plugin: string, value: unknown): Command {
  const { id, summary, examples = [], flags = [], positionals, execute } = row(value);
  if (typeof id !== 'string' || !ID.test(id)) {
    throw invalid(plugin, `command ${JSON.stringify(id)}: its id is not one or two words`);
  }
  const wrong = (what: string): CtrError => invalid(plugin, `command ${id}: ${what}`);
  if (typeof summary !== 'string' || summary === '') throw wrong('it has no summary');
  if (typeof execute !== 'function') throw wrong('it has no function execute');
  if (!isTexts(examples)) throw wrong('its examples are no array of strings');
  if (!Array.isArray(flags)) throw wrong('its flags are no array');
  const names = flags.flatMap((flag) => readFlag(flag, wrong));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw wrong(`two flags have the name ${twice}`);
  readPositionals(positionals, wrong);
  return value as Command;
}

/** The names and the letter that a flag takes. */
function readFlag(value: unknown, wrong: (what: string) => CtrError): string[] {
  const flag = row(value) as Partial<Record<keyof CommandFlag, unknown>>;
  const { name, short, aliases = [], type, help, multiple = false, metavar = '' } = flag;
  const names = [name, ...(isTexts(aliases) ? aliases : [undefined])];
  for (const candidate of names) {
    if (typeof candidate !== 'string' || !FLAG_NAME.test(candidate) || candidate.length < 2) {
      throw wrong(`${JSON.stringify(candidate)} is no name of a flag`);
    }
    if (OUR_FLAGS.includes(candidate)) throw wrong(`--${candidate} is on every command`);
  }
  if (short !== undefined && !(typeof short === 'string' && /^[a-zA-Z]$/.test(short))) {
    throw wrong(`${JSON.stringify(short)} is no letter for --${name}`);
  }
  if (type !== 'boolean' && type !== 'string') throw wrong(`the type of --${name} is not known`);
  if (typeof help !== 'string') throw wrong(`--${name} has no help`);
  if (typeof multiple !== 'boolean' || typeof metavar !== 'string') {
    throw wrong(`multiple or metavar of --${name} has another type`);
  }
  return [...names, ...(short === undefined ? [] : [short])].map(String);
}

function readPositionals(value: unknown, wrong: (what: string) => CtrError): void {
  const positionals = row(value) as Partial<Record<keyof CommandPositionals, unknown>>;
  const { usage, min, max = Number.POSITIVE_INFINITY, endFlags = false } = positionals;
  const counts = typeof min === 'number' && typeof max === 'number' && min >= 0 && max >= min;
  const ends = typeof endFlags === 'boolean' || typeof endFlags === 'string';
  if (typeof usage === 'string' && counts && ends) return;
  throw wrong('its positionals are not {usage, min, max?, endFlags?}');
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function row(value: unknown): Row {
  return typeof value === 'object' && value !== null ? (value as Row) : {};
}

function invalid(plugin: string, reason: string): CtrError {
  return new CtrError('PLUGIN_INVALID', `use ${plugin} as a plugin: ${reason}`, {
    hint: 'its author can correct it: defineCommand() of @ctr-ts/plugin checks the types',
  });
}
