/** Flags of `run`, which `explain --plan` shares. */

import { RUN_NOT_YET } from '../docker-flags.ts';
import { type Flag, type FlagTable, JSON_FLAG, LONG_HELP_FLAG, PLATFORM_FLAG } from '../flags.ts';
import { ENVIRONMENT_FLAGS } from './environment.flags.ts';
import { ISOLATION_FLAGS } from './isolation.flags.ts';
import { LIMIT_FLAGS } from './limit.flags.ts';
import { MOUNT_FLAGS } from './mount.flags.ts';
import { NETWORK_FLAGS } from './network.flags.ts';
import { RECORD_FLAGS } from './record.flags.ts';
import { RESOURCE_FLAGS } from './resource.flags.ts';
import { SESSION_FLAGS, TTY_FLAGS } from './terminal.flags.ts';

/** What a container is. */
export const CONTAINER_FLAGS = [
  ...RECORD_FLAGS,
  ...ENVIRONMENT_FLAGS,
  {
    name: 'entrypoint',
    type: 'string',
    metavar: 'PROGRAM',
    help: "replace the image's entrypoint",
  },
  ...MOUNT_FLAGS,
  ...NETWORK_FLAGS,
  ...LIMIT_FLAGS,
  {
    name: 'pull',
    type: 'string',
    metavar: 'missing|always|never',
    help: 'when to ask the registry: if the image is missing (default), always, never',
  },
  PLATFORM_FLAG,
  ...RESOURCE_FLAGS,
  ...ISOLATION_FLAGS,
  { name: 'no-node', type: 'boolean', help: 'host: without this Node under /opt/node' },
] as const satisfies FlagTable;

/** Which of its streams are shown, docker's way. */
export const ATTACH_FLAG = {
  name: 'attach',
  short: 'a',
  type: 'string',
  multiple: true,
  metavar: 'STREAM',
  help: 'show only stdout or stderr of it; -i connects stdin',
} as const satisfies Flag;

export const RUN_FLAGS = [
  { name: 'rm', type: 'boolean', help: 'leave nothing behind when it ends' },
  ...TTY_FLAGS,
  ...SESSION_FLAGS,
  ATTACH_FLAG,
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
