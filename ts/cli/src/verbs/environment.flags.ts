/** Flags of the environment of a process, of `run` and `exec`. */

import type { FlagTable } from '../flags.ts';

export const ENVIRONMENT_FLAGS = [
  {
    name: 'env',
    short: 'e',
    type: 'string',
    multiple: true,
    metavar: 'NAME[=VALUE]',
    help: 'set a variable; without =VALUE take it from here',
  },
  {
    name: 'env-file',
    type: 'string',
    multiple: true,
    metavar: 'FILE',
    help: 'set the variables of a file, one a line; --env wins',
  },
  { name: 'workdir', short: 'w', type: 'string', metavar: 'DIR', help: 'working directory inside' },
  {
    name: 'user',
    short: 'u',
    type: 'string',
    metavar: 'USER[:GROUP]',
    help: 'run as this user of the image',
  },
] as const satisfies FlagTable;
