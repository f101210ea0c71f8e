/** Flags of `wait`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const WAIT_FLAGS = [JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;
