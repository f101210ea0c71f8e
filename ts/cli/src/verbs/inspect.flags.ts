/** Flags of `inspect`. */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

export const INSPECT_FLAGS = [
  {
    name: 'type',
    type: 'string',
    metavar: 'container|image',
    help: 'look for one kind only; else a container goes before an image',
  },
  JSON_FLAG,
  HELP_FLAG,
  {
    name: 'format',
    short: 'f',
    type: 'string',
    help: 'not there yet',
    notYet: 'filter the JSON: ctr-ts inspect CONTAINER | jq',
  },
  { name: 'size', short: 's', type: 'boolean', help: 'not there yet', notYet: 'leave it out' },
] as const satisfies FlagTable;
