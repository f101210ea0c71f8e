/** Flags of `kill`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const KILL_FLAGS = [
  {
    name: 'signal',
    short: 's',
    type: 'string',
    metavar: 'SIGNAL',
    help: 'name or number, KILL unless given',
  },
  JSON_FLAG,
  HELP_FLAG,
] as const satisfies FlagTable;
