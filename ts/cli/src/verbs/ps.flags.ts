/** Flags of `ps`. */

import { PS_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const PS_FLAGS = [
  { name: 'all', short: 'a', type: 'boolean', help: 'stopped containers too' },
  { name: 'quiet', short: 'q', type: 'boolean', help: 'ids only' },
  { name: 'no-trunc', type: 'boolean', help: 'whole ids and commands' },
  JSON_FLAG,
  HELP_FLAG,
  ...PS_NOT_YET,
] as const satisfies FlagTable;
