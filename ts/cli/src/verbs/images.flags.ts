/** Flags of `images`. */

import { IMAGES_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const IMAGES_FLAGS = [
  { name: 'quiet', short: 'q', type: 'boolean', help: 'ids only' },
  { name: 'digests', type: 'boolean', help: 'digests too' },
  { name: 'no-trunc', type: 'boolean', help: 'whole ids' },
  JSON_FLAG,
  HELP_FLAG,
  ...IMAGES_NOT_YET,
] as const satisfies FlagTable;
