/** Flags of `doctor`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const DOCTOR_FLAGS = [JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;
