/** Flags as plain data: what a verb accepts, without a word about how it is parsed or shown. */

import type { CommandFlag, CommandFlagValue } from '@ctr-ts/plugin';

/** One flag of a verb. */
export interface Flag extends CommandFlag {
  /** Docker has this flag and we do not, so far: what to do instead. */
  readonly notYet?: string;
}

export type FlagTable = readonly Flag[];

/** What parsing with a table gives: the flags that were there, by name. */
export type Values<T extends FlagTable = FlagTable> = {
  [F in T[number] as F extends { readonly notYet: string }
    ? never
    : F['name']]?: CommandFlagValue<F>;
};

/** On every verb. */
export const JSON_FLAG = {
  name: 'json',
  type: 'boolean',
  help: 'print one JSON document to stdout, errors too',
} as const satisfies Flag;

/** Of verbs that name an image. */
export const PLATFORM_FLAG = {
  name: 'platform',
  type: 'string',
  metavar: 'OS/ARCH[/VARIANT]',
  help: 'image for this platform; only that of this machine can run',
} as const satisfies Flag;

/** On every verb that does not use -h for something else. */
export const HELP_FLAG = {
  name: 'help',
  short: 'h',
  type: 'boolean',
  help: 'show this help',
} as const satisfies Flag;

/** On verbs where docker's -h is --hostname. */
export const LONG_HELP_FLAG = {
  name: 'help',
  type: 'boolean',
  help: 'show this help',
} as const satisfies Flag;
