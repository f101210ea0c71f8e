/** Flags that limit a control group: of a container, or of one's own. */

import type { FlagTable } from '../flags.ts';

export const LIMIT_FLAGS = [
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
