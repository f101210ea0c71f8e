/** Flags of what a container sees of files. */

import type { FlagTable } from '../flags.ts';

export const MOUNT_FLAGS = [
  {
    name: 'volume',
    short: 'v',
    type: 'string',
    multiple: true,
    metavar: 'SRC:DST[:OPT]',
    help: 'show a file or directory of the host: ro, rw, rslave, ...',
  },
  {
    name: 'mount',
    type: 'string',
    multiple: true,
    metavar: 'type=TYPE,...',
    help: 'the same in words: type=bind|tmpfs,source=,target=,readonly',
  },
  {
    name: 'tmpfs',
    type: 'string',
    multiple: true,
    metavar: 'DST[:OPT]',
    help: 'put an empty file system in memory there: size=, mode=, exec, ...',
  },
  { name: 'read-only', type: 'boolean', help: 'refuse writes to the root file system' },
  { name: 'shm-size', type: 'string', metavar: 'SIZE', help: 'size of /dev/shm, default 64m' },
] as const satisfies FlagTable;
