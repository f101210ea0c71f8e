/**
 * The one parser of command lines, with docker's habits: combined short flags (`-it`), glued
 * values (`-v/a:/b`, `--name=x`), `--`, and verbs whose first positional ends the flags. Both the
 * direct path and oclif's base command use it, so that a line means the same on either.
 */

import { parseArgs } from 'node:util';
import { CtrError } from '@ctr-ts/sdk';
import type { Flag } from './flags.ts';
import { nearest } from './nearest.ts';
import type { Grammar, Invocation } from './verb.ts';

type ParsedValues = Record<string, boolean | string | string[]>;

interface OptionToken {
  name: string;
  rawName: string;
  index: number;
  value: string | undefined;
  inlineValue: boolean | undefined;
}

/**
 * Reads `argv` (what follows the verb).
 *
 * @throws CtrError `UNKNOWN_FLAG`, `MISSING_VALUE`, `INVALID_VALUE`, `NOT_YET`,
 * `MISSING_ARGUMENT`, `UNEXPECTED_ARGUMENT`
 */
export function parse(grammar: Grammar, argv: readonly string[]): Invocation {
  const byName = flagsByName(grammar.flags);
  const flags: ParsedValues = {};
  let positionals: string[] = [];
  for (const token of tokenize(grammar, argv)) {
    if (token.kind === 'option') {
      const flag = byName.get(token.name);
      if (!flag) throw unknownFlag(grammar, token, argv);
      store(flags, flag, token, grammar);
    } else if (token.kind === 'positional') {
      if (endsFlags(grammar, flags)) {
        positionals = argv.slice(token.index);
        break;
      }
      positionals.push(token.value);
    }
  }
  // Who asks for help has not finished the line.
  if (flags.help !== true) checkCount(grammar, positionals);
  return { flags, positionals };
}

/** Whether a line that may be wrong asks for JSON: its error must be JSON too. */
export function wantsJson(grammar: Grammar, argv: readonly string[]): boolean {
  for (const token of tokenize(grammar, argv)) {
    if (token.kind === 'option' && token.name === 'json') return token.value !== 'false';
    if (token.kind === 'positional' && grammar.positionals.endFlags === true) return false;
  }
  return false;
}

/** `usage` of a verb, as it is shown in help and in hints. */
export function usageLine(grammar: Grammar): string {
  return `ctr-ts ${grammar.id} [flags] ${grammar.positionals.usage}`.trim();
}

function tokenize(grammar: Grammar, argv: readonly string[]) {
  const options: Record<string, { type: Flag['type']; short?: string }> = {};
  for (const { name, short, aliases = [], type } of grammar.flags) {
    options[name] = short === undefined ? { type } : { type, short };
    for (const alias of aliases) options[alias] = { type };
  }
  // Not strict: our own errors name the code and the next step.
  return parseArgs({ args: [...argv], options, strict: false, tokens: true }).tokens;
}

function flagsByName(table: readonly Flag[]): Map<string, Flag> {
  return new Map(
    table.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])].map((n) => [n, flag])),
  );
}

function endsFlags(grammar: Grammar, flags: ParsedValues): boolean {
  const { endFlags = false } = grammar.positionals;
  return typeof endFlags === 'string' ? flags[endFlags] === true : endFlags;
}

function store(flags: ParsedValues, flag: Flag, token: OptionToken, grammar: Grammar): void {
  if (flag.notYet !== undefined) {
    throw new CtrError('NOT_YET', `${token.rawName} of ${grammar.id} is not there yet`, {
      hint: flag.notYet,
    });
  }
  if (flag.type === 'boolean') {
    flags[flag.name] = booleanValue(flag, token);
    return;
  }
  const value = stringValue(flag, token);
  const earlier = flags[flag.name];
  if (!flag.multiple) flags[flag.name] = value;
  else flags[flag.name] = Array.isArray(earlier) ? [...earlier, value] : [value];
}

function booleanValue(flag: Flag, { rawName, value }: OptionToken): boolean {
  if (value === undefined || value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new CtrError('INVALID_VALUE', `${rawName} takes no value, got ${JSON.stringify(value)}`, {
    hint: `write --${flag.name}, or --${flag.name}=false to turn it off`,
  });
}

function stringValue(flag: Flag, { rawName, value, inlineValue }: OptionToken): string {
  if (value === undefined) {
    throw new CtrError('MISSING_VALUE', `${rawName} needs a value`, {
      hint: `write --${flag.name} ${flag.metavar ?? 'VALUE'}`,
    });
  }
  // Docker reads -m=256m and -m256m alike.
  const glued = inlineValue === true && !rawName.startsWith('--');
  return glued && value.startsWith('=') ? value.slice(1) : value;
}

function unknownFlag(grammar: Grammar, token: OptionToken, argv: readonly string[]): CtrError {
  const word = argv[token.index] ?? token.rawName;
  const where = token.rawName.startsWith('--') || word === token.rawName ? '' : ` in ${word}`;
  const known = grammar.flags.filter((flag) => flag.notYet === undefined).map((flag) => flag.name);
  const close = token.name.length > 1 ? nearest(token.name, known) : undefined;
  return new CtrError('UNKNOWN_FLAG', `unknown flag ${token.rawName}${where} of ${grammar.id}`, {
    hint: close === undefined ? `ctr-ts ${grammar.id} --help` : `did you mean --${close}?`,
  });
}

function checkCount(grammar: Grammar, positionals: readonly string[]): void {
  const { min, max = Number.POSITIVE_INFINITY } = grammar.positionals;
  const hint = usageLine(grammar);
  if (positionals.length < min) {
    throw new CtrError('MISSING_ARGUMENT', `${grammar.id} needs an argument`, { hint });
  }
  const surplus = positionals[max];
  if (surplus !== undefined) {
    throw new CtrError(
      'UNEXPECTED_ARGUMENT',
      `${grammar.id} does not take ${JSON.stringify(surplus)}`,
      { hint },
    );
  }
}
