/** Flags of `rmi`. */

import { RMI_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const RMI_FLAGS = [
  {
    name: 'force',
    short: 'f',
    type: 'boolean',
    help: 'all names of an image given by id, and images that containers use',
  },
  JSON_FLAG,
  HELP_FLAG,
  ...RMI_NOT_YET,
] as const satisfies FlagTable;
