/** Flags of the verbs of `plugins`: they have the common ones only. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../../flags.ts';

export const PLUGINS_FLAGS = [JSON_FLAG, HELP_FLAG] as const satisfies FlagTable;
