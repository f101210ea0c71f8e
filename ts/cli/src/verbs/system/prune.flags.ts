/** Flags of `system prune`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../../flags.ts';

export const PRUNE_FLAGS = [
  // Docker asks unless told not to; ours removes only what no process owns, so there is nothing to ask.
  {
    name: 'force',
    short: 'f',
    type: 'boolean',
    help: 'accepted as in docker; nothing is ever asked',
  },
  JSON_FLAG,
  HELP_FLAG,
  {
    name: 'all',
    short: 'a',
    type: 'boolean',
    help: 'not there yet',
    notYet: 'leave it out, and remove images by name: ctr-ts rmi IMAGE',
  },
  {
    name: 'volumes',
    type: 'boolean',
    help: 'not there yet',
    notYet: 'leave it out; there are no volumes',
  },
  {
    name: 'filter',
    type: 'string',
    help: 'not there yet',
    notYet: 'leave it out, or ctr-ts rm CONTAINER',
  },
] as const satisfies FlagTable;
