/** Flags of `attach`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';
import { SESSION_FLAGS } from './terminal.flags.ts';

const [DETACH_KEYS] = SESSION_FLAGS;

export const ATTACH_FLAGS = [
  { ...DETACH_KEYS, help: 'leave it again with these keys, ctrl-p,ctrl-q unless given' },
  { name: 'no-stdin', type: 'boolean', help: 'only show it' },
  {
    name: 'sig-proxy',
    type: 'boolean',
    help: 'pass signals on to it; unless given they end only ctr-ts, as with docker and a terminal',
  },
  JSON_FLAG,
  HELP_FLAG,
] as const satisfies FlagTable;
