/** Flags of terminals and signals, which several verbs share. */

import type { FlagTable } from '../flags.ts';

/** On whatever starts a process. */
export const TTY_FLAGS = [
  { name: 'interactive', short: 'i', type: 'boolean', help: 'connect stdin' },
  { name: 'tty', short: 't', type: 'boolean', help: 'give it a terminal; with -i, this one' },
] as const satisfies FlagTable;

/** On whatever shows a container's own process. */
export const SESSION_FLAGS = [
  {
    name: 'detach-keys',
    type: 'string',
    metavar: 'KEYS',
    help: 'with -it: leave it running with these keys, ctrl-p,ctrl-q unless given',
  },
  {
    name: 'sig-proxy',
    type: 'boolean',
    help: 'pass signals on to it (default); =false: they are for ctr-ts',
  },
] as const satisfies FlagTable;
