/** From parsed flags to the SDK's options: names change here, nothing is decided. */

import { type ContainerOptions, parseCpus, parsePids, parseSize } from '@ctr-ts/sdk';
import {
  parseEnv,
  parseLabels,
  parseNetwork,
  parsePullPolicy,
  parseSecurityOptions,
  parseTmpfs,
  parseVolume,
} from './docker-syntax.ts';
import type { Values } from './flags.ts';
import type { Io } from './io.ts';
import type { CONTAINER_FLAGS } from './verbs/run.flags.ts';

type ContainerFlags = Values<typeof CONTAINER_FLAGS>;

/** Limits as `run` and `cgroup` take them. */
export interface LimitFlags {
  cpus?: string;
  memory?: string;
  'pids-limit'?: string;
}

/** Limits in the SDK's units. */
export type Limits = Pick<ContainerOptions, 'cpus' | 'memoryBytes' | 'pidsLimit'>;

/**
 * The options that the flags and words of a `run` line ask for.
 *
 * @throws CtrError of the value that cannot be read
 */
export function containerOptions(
  flags: ContainerFlags,
  [image = '', ...command]: readonly string[],
  env: Io['env'],
): ContainerOptions {
  const { entrypoint, network } = flags;
  return {
    image,
    pull: flags.pull === undefined ? undefined : parsePullPolicy(flags.pull),
    platform: flags.platform,
    command: command.length > 0 ? command : undefined,
    // Docker's way to remove the image's entrypoint is an empty one.
    entrypoint: entrypoint === undefined ? undefined : entrypoint === '' ? [] : [entrypoint],
    name: flags.name,
    hostname: flags.hostname,
    env: parseEnv(flags.env ?? [], env),
    workdir: flags.workdir,
    user: flags.user,
    volumes: (flags.volume ?? []).map(parseVolume),
    tmpfs: (flags.tmpfs ?? []).map(parseTmpfs),
    labels: parseLabels(flags.label ?? []),
    capAdd: flags['cap-add'],
    capDrop: flags['cap-drop'],
    privileged: flags.privileged,
    readOnly: flags['read-only'],
    network: network === undefined ? undefined : parseNetwork(network),
    node: flags['no-node'] ? false : undefined,
    ...parseSecurityOptions(flags['security-opt'] ?? []),
    ...limits(flags),
  };
}

/** Limits as the SDK takes them; throws `INVALID_LIMIT`. */
export function limits(flags: LimitFlags): Limits {
  const { cpus, memory, 'pids-limit': pids } = flags;
  return {
    cpus: cpus === undefined ? undefined : parseCpus(cpus, '--cpus'),
    memoryBytes: memory === undefined ? undefined : parseSize(memory, '--memory'),
    pidsLimit: pids === undefined ? undefined : parsePids(pids, '--pids-limit'),
  };
}
