/** Flags of `stop`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const STOP_FLAGS = [
  {
    name: 'signal',
    short: 's',
    type: 'string',
    metavar: 'SIGNAL',
    help: "name or number; unless given the container's stop signal, or TERM",
  },
  {
    name: 'timeout',
    short: 't',
    aliases: ['time'],
    type: 'string',
    metavar: 'SECONDS',
    help: 'kill it after this time, 10 unless given; 0: at once, -1: never',
  },
  JSON_FLAG,
  HELP_FLAG,
] as const satisfies FlagTable;
