/** Flags of `run`, which `explain --plan` shares. */

import { RUN_NOT_YET } from '../docker-flags.ts';
import { type FlagTable, JSON_FLAG, LONG_HELP_FLAG, PLATFORM_FLAG } from '../flags.ts';
import { LIMIT_FLAGS } from './limit.flags.ts';
import { SESSION_FLAGS, TTY_FLAGS } from './terminal.flags.ts';

/** What a container is. */
export const CONTAINER_FLAGS = [
  { name: 'name', type: 'string', metavar: 'NAME', help: 'name to find it by' },
  { name: 'hostname', short: 'h', type: 'string', metavar: 'NAME', help: 'host name inside' },
  {
    name: 'env',
    short: 'e',
    type: 'string',
    multiple: true,
    metavar: 'NAME[=VALUE]',
    help: 'set a variable; without =VALUE take it from here',
  },
  {
    name: 'volume',
    short: 'v',
    type: 'string',
    multiple: true,
    metavar: 'SRC:DST[:ro]',
    help: 'show a file or directory of the host',
  },
  {
    name: 'tmpfs',
    type: 'string',
    multiple: true,
    metavar: 'DST[:size=SIZE]',
    help: 'put an empty file system in memory there',
  },
  { name: 'workdir', short: 'w', type: 'string', metavar: 'DIR', help: 'working directory inside' },
  {
    name: 'user',
    short: 'u',
    type: 'string',
    metavar: 'USER[:GROUP]',
    help: 'run as this user of the image',
  },
  {
    name: 'entrypoint',
    type: 'string',
    metavar: 'PROGRAM',
    help: "replace the image's entrypoint",
  },
  {
    name: 'label',
    short: 'l',
    type: 'string',
    multiple: true,
    metavar: 'NAME[=VALUE]',
    help: 'keep a label with the container',
  },
  ...LIMIT_FLAGS,
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
  { name: 'privileged', type: 'boolean', help: 'all capabilities, no filter: no sandbox any more' },
  { name: 'read-only', type: 'boolean', help: 'refuse writes to the root file system' },
  {
    name: 'security-opt',
    type: 'string',
    multiple: true,
    metavar: 'OPT',
    help: 'seccomp=FILE|unconfined, no-new-privileges',
  },
  {
    name: 'network',
    aliases: ['net'],
    type: 'string',
    metavar: 'none|host',
    help: 'none (default): only loopback; host: the one of the host',
  },
  {
    name: 'pull',
    type: 'string',
    metavar: 'missing|always|never',
    help: 'when to ask the registry: if the image is missing (default), always, never',
  },
  PLATFORM_FLAG,
  { name: 'no-node', type: 'boolean', help: 'host: without this Node under /opt/node' },
] as const satisfies FlagTable;

export const RUN_FLAGS = [
  { name: 'rm', type: 'boolean', help: 'leave nothing behind when it ends' },
  ...TTY_FLAGS,
  ...SESSION_FLAGS,
  { name: 'quiet', short: 'q', type: 'boolean', help: 'show no progress of a pull' },
  {
    name: 'timeout',
    type: 'string',
    metavar: 'TIME',
    help: 'kill it all after this time: 30, 30s, 5m',
  },
  ...CONTAINER_FLAGS,
  JSON_FLAG,
  LONG_HELP_FLAG,
  ...RUN_NOT_YET,
] as const satisfies FlagTable;
