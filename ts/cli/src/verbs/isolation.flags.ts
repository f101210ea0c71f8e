/** Flags of what separates a container from the host. */

import type { FlagTable } from '../flags.ts';

export const ISOLATION_FLAGS = [
  {
    name: 'cap-add',
    type: 'string',
    multiple: true,
    metavar: 'CAP',
    help: 'add a capability, for example NET_ADMIN',
  },
  {
    name: 'cap-drop',
    type: 'string',
    multiple: true,
    metavar: 'CAP',
    help: 'take a capability away, ALL is every one',
  },
  {
    name: 'group-add',
    type: 'string',
    multiple: true,
    metavar: 'GROUP',
    help: 'further group of the user, a name or number of the image',
  },
  { name: 'privileged', type: 'boolean', help: 'all capabilities, no filter: no sandbox any more' },
  {
    name: 'security-opt',
    type: 'string',
    multiple: true,
    metavar: 'OPT',
    help: 'seccomp=FILE|unconfined, no-new-privileges, systempaths=unconfined',
  },
  {
    name: 'sysctl',
    type: 'string',
    multiple: true,
    metavar: 'NAME=VALUE',
    help: 'set a kernel parameter of its own namespaces',
  },
  {
    name: 'cgroupns',
    type: 'string',
    metavar: 'private|host',
    help: 'host: all control groups are in sight',
  },
  {
    name: 'ipc',
    type: 'string',
    metavar: 'private|host|none',
    help: 'host: shared memory and queues of the host; none: without /dev/shm',
  },
  { name: 'pid', type: 'string', metavar: 'private', help: 'processes of its own, the default' },
  { name: 'userns', type: 'string', metavar: 'host', help: 'ids of the host, the default of root' },
  { name: 'uts', type: 'string', metavar: 'private|host', help: 'host: the host name of the host' },
] as const satisfies FlagTable;
