/** Flags of `image inspect`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../../flags.ts';

export const IMAGE_INSPECT_FLAGS = [
  JSON_FLAG,
  HELP_FLAG,
  {
    name: 'format',
    short: 'f',
    type: 'string',
    help: 'not there yet',
    notYet: 'filter the JSON: ctr-ts image inspect IMAGE | jq',
  },
  {
    name: 'platform',
    type: 'string',
    help: 'not there yet',
    notYet: 'leave it out; an image is stored for one platform',
  },
] as const satisfies FlagTable;
