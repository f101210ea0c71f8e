/** Flags of `unshare`, named as in unshare(1). */

import { type FlagTable, HELP_FLAG, JSON_FLAG } from '../flags.ts';

/** The namespaces that can be asked for: the flag's name and the kind in namespaces(7). */
export const NAMESPACE_FLAGS = {
  user: 'user',
  pid: 'pid',
  mount: 'mount',
  uts: 'uts',
  ipc: 'ipc',
  net: 'network',
  cgroup: 'cgroup',
} as const;

export const UNSHARE_FLAGS = [
  { name: 'user', short: 'U', type: 'boolean', help: 'new user and group ids' },
  {
    name: 'pid',
    short: 'p',
    type: 'boolean',
    help: 'new process ids; with --fork the command is PID 1',
  },
  { name: 'mount', short: 'm', type: 'boolean', help: 'new list of mounts' },
  { name: 'uts', short: 'u', type: 'boolean', help: 'new host name' },
  { name: 'ipc', short: 'i', type: 'boolean', help: 'new System V and POSIX message objects' },
  { name: 'net', short: 'n', type: 'boolean', help: 'new network' },
  { name: 'cgroup', short: 'C', type: 'boolean', help: 'new root of the cgroup tree' },
  { name: 'fork', short: 'f', type: 'boolean', help: 'run the command as a child' },
  { name: 'map-root-user', short: 'r', type: 'boolean', help: 'be root inside; implies --user' },
  { name: 'mount-proc', type: 'boolean', help: 'mount a /proc that fits; implies --mount' },
  { name: 'hostname', type: 'string', metavar: 'NAME', help: 'set the host name; implies --uts' },
  JSON_FLAG,
  HELP_FLAG,
  { name: 'time', short: 'T', type: 'boolean', help: 'not there yet', notYet: 'leave it out' },
  { name: 'map-user', type: 'string', help: 'not there yet', notYet: 'use --map-root-user' },
  { name: 'map-group', type: 'string', help: 'not there yet', notYet: 'use --map-root-user' },
  {
    name: 'map-current-user',
    short: 'c',
    type: 'boolean',
    help: 'not there yet',
    notYet: 'use --map-root-user',
  },
  { name: 'map-auto', type: 'boolean', help: 'not there yet', notYet: 'use --map-root-user' },
  { name: 'keep-caps', type: 'boolean', help: 'not there yet', notYet: 'use --map-root-user' },
  {
    name: 'kill-child',
    type: 'string',
    help: 'not there yet',
    notYet: 'use --fork --pid: the end of PID 1 ends the rest',
  },
  {
    name: 'propagation',
    type: 'string',
    help: 'not there yet',
    notYet: 'leave it out; mounts inside are private',
  },
  { name: 'setgroups', type: 'string', help: 'not there yet', notYet: 'use --map-root-user' },
  {
    name: 'root',
    short: 'R',
    type: 'string',
    help: 'not there yet',
    notYet: 'use ctr-ts run rootfs:DIR',
  },
  {
    name: 'wd',
    short: 'w',
    type: 'string',
    help: 'not there yet',
    notYet: "use -- sh -c 'cd DIR && exec COMMAND'",
  },
] as const satisfies FlagTable;
