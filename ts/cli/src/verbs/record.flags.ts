/** Flags of what is kept with a container, and of how its life begins and ends. */

import type { FlagTable } from '../flags.ts';

export const RECORD_FLAGS = [
  { name: 'name', type: 'string', metavar: 'NAME', help: 'name to find it by' },
  {
    name: 'label',
    short: 'l',
    type: 'string',
    multiple: true,
    metavar: 'NAME[=VALUE]',
    help: 'keep a label with the container',
  },
  {
    name: 'label-file',
    type: 'string',
    multiple: true,
    metavar: 'FILE',
    help: 'keep the labels of a file, one a line; --label wins',
  },
  {
    name: 'annotation',
    type: 'string',
    multiple: true,
    metavar: 'NAME[=VALUE]',
    help: 'keep an annotation, also in the OCI configuration',
  },
  {
    name: 'cidfile',
    type: 'string',
    metavar: 'FILE',
    help: 'write the id to a file that is not there yet',
  },
  {
    name: 'init',
    type: 'boolean',
    help: 'PID 1 passes signals on and reaps; the command is its child',
  },
  { name: 'stop-signal', type: 'string', metavar: 'SIGNAL', help: 'what asks it to end' },
  {
    name: 'stop-timeout',
    type: 'string',
    metavar: 'SECONDS',
    help: 'how long it may take to end after that, -1 is for ever',
  },
  { name: 'no-healthcheck', type: 'boolean', help: 'as it is: no health check is run yet' },
  { name: 'runtime', type: 'string', metavar: 'NAME', help: 'ctr-runtime, which is the only one' },
] as const satisfies FlagTable;
