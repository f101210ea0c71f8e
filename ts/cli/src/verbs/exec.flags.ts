/** Flags of `exec`. */

import { EXEC_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';
import { TTY_FLAGS } from './terminal.flags.ts';

export const EXEC_FLAGS = [
  ...TTY_FLAGS,
  {
    name: 'env',
    short: 'e',
    type: 'string',
    multiple: true,
    metavar: 'NAME[=VALUE]',
    help: 'set a variable; without =VALUE take it from here',
  },
  { name: 'workdir', short: 'w', type: 'string', metavar: 'DIR', help: 'working directory inside' },
  {
    name: 'user',
    short: 'u',
    type: 'string',
    metavar: 'USER[:GROUP]',
    help: 'run as this user of the image',
  },
  { name: 'privileged', type: 'boolean', help: 'all capabilities, no filter' },
  JSON_FLAG,
  HELP_FLAG,
  ...EXEC_NOT_YET,
] as const satisfies FlagTable;
