/** Flags of `pull`. */

import { PULL_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, HELP_FLAG, JSON_FLAG, PLATFORM_FLAG } from '../flags.ts';

export const PULL_FLAGS = [
  { ...PLATFORM_FLAG, help: 'image for this platform, for example linux/arm64' },
  { name: 'quiet', short: 'q', type: 'boolean', help: 'show no progress' },
  JSON_FLAG,
  HELP_FLAG,
  ...PULL_NOT_YET,
] as const satisfies FlagTable;
