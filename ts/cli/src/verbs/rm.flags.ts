/** Flags of `rm`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const RM_FLAGS = [
  { name: 'force', short: 'f', type: 'boolean', help: 'kill it first when it runs' },
  JSON_FLAG,
  HELP_FLAG,
  {
    name: 'volumes',
    short: 'v',
    type: 'boolean',
    help: 'not there yet',
    notYet: 'leave it out; there are no anonymous volumes',
  },
  {
    name: 'link',
    short: 'l',
    type: 'boolean',
    help: 'not there yet',
    notYet: 'leave it out; there are no links',
  },
] as const satisfies FlagTable;
