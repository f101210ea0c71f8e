/** Flags of `version`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const VERSION_FLAGS = [JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;
