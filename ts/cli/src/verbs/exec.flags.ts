/** Flags of `exec`. */

import { EXEC_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';
import { ENVIRONMENT_FLAGS } from './environment.flags.ts';
import { TTY_FLAGS } from './terminal.flags.ts';

export const EXEC_FLAGS = [
  ...TTY_FLAGS,
  ...ENVIRONMENT_FLAGS,
  { name: 'privileged', type: 'boolean', help: 'all capabilities, no filter' },
  JSON_FLAG,
  HELP_FLAG,
  ...EXEC_NOT_YET,
] as const satisfies FlagTable;
