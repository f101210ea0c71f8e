/** Flags of the `cgroup` verbs. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../../flags.ts';
import { LIMIT_FLAGS } from '../limit.flags.ts';

/** Of `create` and `set`. */
export const LIMITING_FLAGS = [...LIMIT_FLAGS, JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;

/** Of the others. */
export const PLAIN_FLAGS = [JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;
