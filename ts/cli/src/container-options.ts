/** From parsed flags to the SDK's options: names change here, nothing is decided. */

import { basename, resolve } from 'node:path';
import { type ContainerOptions, CtrError, parseCpus, parsePids, parseSize } from '@ctr-ts/sdk';
import { parseDevice, parseDeviceRule } from './docker-devices.ts';
import { type DockerMount, parseMount } from './docker-mount-fields.ts';
import { parseTmpfs, parseVolume } from './docker-mounts.ts';
import { parseHost, parseSysctls, parseUlimits, parseWhole } from './docker-names.ts';
import {
  parseEnv,
  parseLabels,
  parseNamespaces,
  parseNetwork,
  parsePullPolicy,
  parseSecurityOptions,
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
    domainname: flags.domainname,
    env: parseEnv(flags.env ?? [], env, flags['env-file']),
    workdir: flags.workdir,
    user: flags.user,
    groupAdd: flags['group-add'],
    ...mountOptions(flags),
    ...recordOptions(flags),
    capAdd: flags['cap-add'],
    capDrop: flags['cap-drop'],
    privileged: flags.privileged,
    readOnly: flags['read-only'],
    network: network === undefined ? undefined : parseNetwork(network),
    node: flags['no-node'] ? false : undefined,
    ...nameOptions(flags),
    ...parseNamespaces({
      ipc: flags.ipc,
      uts: flags.uts,
      cgroupns: flags.cgroupns,
      userns: flags.userns,
      pid: flags.pid,
    }),
    sysctls: flags.sysctl && parseSysctls(flags.sysctl),
    ...parseSecurityOptions(flags['security-opt'] ?? []),
    ...limits(flags),
    ...resourceOptions(flags),
  };
}

function mountOptions(
  flags: ContainerFlags,
): Pick<ContainerOptions, 'volumes' | 'tmpfs' | 'shmSizeBytes'> {
  const mounts: DockerMount[] = (flags.mount ?? []).map(parseMount);
  return {
    volumes: [
      ...(flags.volume ?? []).map(parseVolume),
      ...mounts.flatMap((mount) => ('volume' in mount ? [mount.volume] : [])),
    ],
    tmpfs: [
      ...(flags.tmpfs ?? []).map(parseTmpfs),
      ...mounts.flatMap((mount) => ('tmpfs' in mount ? [mount.tmpfs] : [])),
    ],
    shmSizeBytes: sizeOf(flags, 'shm-size'),
  };
}

function nameOptions(
  flags: ContainerFlags,
): Pick<ContainerOptions, 'addHosts' | 'dns' | 'dnsOptions' | 'dnsSearch' | 'exposedPorts'> {
  return {
    addHosts: flags['add-host']?.map(parseHost),
    dns: flags.dns,
    dnsOptions: flags['dns-option'],
    dnsSearch: flags['dns-search'],
    exposedPorts: flags.expose,
  };
}

function recordOptions(flags: ContainerFlags): Partial<ContainerOptions> {
  const { runtime, cidfile, 'stop-timeout': timeout } = flags;
  if (runtime !== undefined && runtime !== '' && basename(runtime) !== 'ctr-runtime') {
    throw new CtrError('NOT_YET', `runtime ${JSON.stringify(runtime)} is not there yet`, {
      hint: 'leave it out; ctr-runtime is the only runtime',
    });
  }
  const seconds = timeout === undefined ? undefined : parseWhole(timeout, '--stop-timeout');
  return {
    labels: parseLabels(flags.label ?? [], flags['label-file']),
    annotations: flags.annotation && parseLabels(flags.annotation, [], 'annotation'),
    cidFile: cidfile === undefined ? undefined : resolve(cidfile),
    init: flags.init,
    stopSignal: flags['stop-signal'],
    stopTimeoutMs: seconds === undefined || seconds === -1 ? seconds : seconds * 1000,
  };
}

function resourceOptions(flags: ContainerFlags): Partial<ContainerOptions> {
  return {
    // As docker: 0 leaves the default.
    cpuShares: numberOf(flags, 'cpu-shares') || undefined,
    cpuPeriodUs: numberOf(flags, 'cpu-period') || undefined,
    cpuQuotaUs: numberOf(flags, 'cpu-quota') || undefined,
    cpusetCpus: flags['cpuset-cpus'] || undefined,
    cpusetMems: flags['cpuset-mems'] || undefined,
    memorySwapBytes: flags['memory-swap'] === '-1' ? -1 : sizeOf(flags, 'memory-swap') || undefined,
    memoryReservationBytes: sizeOf(flags, 'memory-reservation') || undefined,
    cgroupParent: flags['cgroup-parent'],
    ulimits: flags.ulimit && parseUlimits(flags.ulimit),
    oomScoreAdj: numberOf(flags, 'oom-score-adj'),
    devices: flags.device?.map(parseDevice),
    deviceRules: flags['device-cgroup-rule']?.map(parseDeviceRule),
  };
}

type NumberFlag = 'cpu-shares' | 'cpu-period' | 'cpu-quota' | 'oom-score-adj';

function numberOf(flags: ContainerFlags, name: NumberFlag): number | undefined {
  const text = flags[name];
  return text === undefined ? undefined : parseWhole(text, `--${name}`);
}

type SizeFlag = 'shm-size' | 'memory-swap' | 'memory-reservation';

function sizeOf(flags: ContainerFlags, name: SizeFlag): number | undefined {
  const text = flags[name];
  return text === undefined ? undefined : parseSize(text, `--${name}`);
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
