/** Flags of the `cgroup` verbs. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../../flags.ts';

const LIMITS = [
  {
    name: 'cpus',
    type: 'string',
    metavar: 'N',
    help: 'limit of processor time, 0.5 is half of one',
  },
  {
    name: 'memory',
    short: 'm',
    type: 'string',
    metavar: 'SIZE',
    help: 'limit of memory, for example 256m',
  },
  {
    name: 'pids-limit',
    type: 'string',
    metavar: 'N',
    help: 'limit of processes and threads, -1 is none',
  },
] as const satisfies FlagTable;

/** Of `create` and `set`. */
export const LIMITING_FLAGS = [...LIMITS, JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;

/** Of the others. */
export const PLAIN_FLAGS = [JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;
