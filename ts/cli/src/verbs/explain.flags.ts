/** Flags of `explain`. */

import { RUN_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, JSON_FLAG, LONG_HELP_FLAG } from '../flags.ts';
import { ATTACH_FLAG, CONTAINER_FLAGS } from './run.flags.ts';

export const EXPLAIN_FLAGS = [
  { name: 'plan', type: 'boolean', help: 'show what run would do with these flags; makes nothing' },
  JSON_FLAG,
  LONG_HELP_FLAG,
  ...CONTAINER_FLAGS,
  // So that a whole `run` line can be put behind --plan.
  { name: 'rm', type: 'boolean', help: 'as in run, changes nothing here' },
  { name: 'interactive', short: 'i', type: 'boolean', help: 'as in run, changes nothing here' },
  { name: 'tty', short: 't', type: 'boolean', help: 'with a terminal' },
  { name: 'detach-keys', type: 'string', metavar: 'KEYS', help: 'as in run, changes nothing here' },
  { name: 'sig-proxy', type: 'boolean', help: 'as in run, changes nothing here' },
  { name: 'quiet', short: 'q', type: 'boolean', help: 'as in run, changes nothing here' },
  ATTACH_FLAG,
  { name: 'timeout', type: 'string', metavar: 'TIME', help: 'as in run, changes nothing here' },
  ...RUN_NOT_YET,
] as const satisfies FlagTable;
