/** What a container is made of: as planned, as the host sees it, as it sees itself. */

import { readFile } from 'node:fs/promises';
import { hostname as hostName } from 'node:os';
import { join } from 'node:path';
import type { Core, StateEntry } from './core.ts';
import { launchWith } from './launch.ts';
import type { ContainerOptions, ProcessOptions } from './options.ts';
import type { Plan } from './plan.ts';
import { prepareContainer } from './prepare.ts';
import {
  type CapabilityView,
  compareNamespaces,
  type IdMapView,
  type MountView,
  type NamespaceView,
  parseCgroups,
  parseIdMap,
  parseMountinfo,
  parseStatus,
  readNamespaces,
  readProc,
  statusCapabilities,
} from './proc.ts';
import { Process } from './process.ts';
import { type ContainerInfo, describe, recordOf } from './states.ts';

/** One side's view of the container's PID 1. */
export interface View {
  pid: number;
  hostname: string;
  uid: number;
  gid: number;
  namespaces: NamespaceView[];
  mounts: MountView[];
  uidMap: IdMapView[];
  gidMap: IdMapView[];
  cgroups: { hierarchy: string; path: string }[];
  capabilities: CapabilityView;
  noNewPrivileges: boolean;
  /** proc_pid_status(5), "Seccomp". */
  seccomp: 'disabled' | 'strict' | 'filter';
}

/** As {@link View}, from a process inside. */
export interface InsideView extends View {
  /** Network interfaces in sight. */
  interfaces: string[];
  /** Processes in sight. */
  processes: { pid: number; command: string }[];
}

/** Everything about a running container. JSON-safe. */
export interface Explanation {
  container: ContainerInfo;
  /** What was decided before it was made. */
  plan: Plan;
  /** As the host sees PID 1. */
  outside: View;
  /** As a process inside sees itself; it shares all with PID 1 but the pid. */
  inside: InsideView;
  /** Control files of its cgroup with their values. */
  cgroupFiles: { file: string; value: string }[];
}

/**
 * The Plan of a container that does not exist, as `run` would execute it. Unless `pull` says so, no
 * registry is asked: an image that is not in the store is `IMAGE_NOT_FOUND`.
 *
 * @throws CtrError as `run()` rejects
 */
export async function plan(
  options: ContainerOptions & Pick<ProcessOptions, 'terminal'>,
): Promise<Plan> {
  const own = { ...options, pull: options.pull ?? 'never' };
  const { core, request, release } = await prepareContainer(own, false);
  release();
  return core.plan(request) as Plan;
}

/**
 * Explains a container.
 *
 * @throws CtrError `CONTAINER_NOT_RUNNING`
 */
export async function explainContainer(
  core: Core,
  stateRoot: string,
  entry: StateEntry,
): Promise<Explanation> {
  const inside = await viewInside(core, stateRoot, entry);
  const pid = entry.pid ?? 0;
  const request = { id: entry.id, stateRoot, record: entry.record, container: entry.request };
  return {
    container: describe(entry),
    plan: core.plan(request) as Plan,
    outside: await viewOutside(pid),
    inside,
    cgroupFiles: await cgroupFiles(entry.cgroupDirectories),
  };
}

async function viewOutside(pid: number): Promise<View> {
  const [namespaces, mountinfo, uidMap, gidMap, cgroup, status] = await Promise.all([
    readNamespaces(pid),
    readProc(pid, 'mountinfo'),
    readProc(pid, 'uid_map'),
    readProc(pid, 'gid_map'),
    readProc(pid, 'cgroup'),
    readProc(pid, 'status'),
  ]);
  return {
    pid,
    hostname: hostName(),
    namespaces,
    mounts: parseMountinfo(mountinfo),
    uidMap: parseIdMap(uidMap),
    gidMap: parseIdMap(gidMap),
    cgroups: parseCgroups(cgroup),
    ...identity(status),
  };
}

/** What `ctr-runtime`'s view program writes. */
interface RawView {
  pid: number;
  uid: number;
  gid: number;
  hostname: string;
  namespaces: [string, string][];
  mounts: string[];
  interfaces: string[];
  uidMap: string[];
  gidMap: string[];
  cgroup: string[];
  status: string[];
  processes: [number, string][];
}

async function viewInside(core: Core, stateRoot: string, entry: StateEntry): Promise<InsideView> {
  const { process, user, seccomp } = recordOf(entry);
  const exec = {
    process: { ...process, args: ['view'] },
    program: 'view',
    ...(user === null ? {} : { user }),
    seccomp,
  };
  const viewer = new Process<string>(
    { stdio: { stdin: 'null' }, timeoutMs: 10_000 },
    {
      openStdio: (modes) => core.openStdio(modes),
      launch: launchWith(
        async () => ({
          id: entry.id,
          begin: (stdio) => core.exec({ stateRoot, id: entry.id, exec }, stdio),
        }),
        () => core,
      ),
    },
  );
  const { stdout } = await viewer.orThrow();
  const raw = JSON.parse(stdout) as RawView;
  return {
    pid: raw.pid,
    hostname: raw.hostname,
    namespaces: await compareNamespaces(Object.fromEntries(raw.namespaces)),
    mounts: parseMountinfo(raw.mounts.join('\n')),
    uidMap: parseIdMap(raw.uidMap.join('\n')),
    gidMap: parseIdMap(raw.gidMap.join('\n')),
    cgroups: parseCgroups(raw.cgroup.join('\n')),
    interfaces: raw.interfaces,
    processes: raw.processes.map(([pid, command]) => ({ pid, command })),
    ...identity(raw.status.join('\n')),
  };
}

const SECCOMP_MODES = ['disabled', 'strict', 'filter'] as const;

function identity(
  text: string,
): Pick<View, 'uid' | 'gid' | 'capabilities' | 'noNewPrivileges' | 'seccomp'> {
  const status = parseStatus(text);
  const effective = (field: string): number => Number(status[field]?.split(/\s+/)[1] ?? 0);
  return {
    uid: effective('Uid'),
    gid: effective('Gid'),
    capabilities: statusCapabilities(status),
    noNewPrivileges: status['NoNewPrivs'] === '1',
    seccomp: SECCOMP_MODES[Number(status['Seccomp'] ?? 0)] ?? 'disabled',
  };
}

/** Control files worth a look, on v1 and v2. */
const FILES = [
  'cpu.cfs_quota_us',
  'cpu.cfs_period_us',
  'cpu.shares',
  'cpu.max',
  'cpu.weight',
  'cpu.stat',
  'cpuset.cpus',
  'memory.limit_in_bytes',
  'memory.usage_in_bytes',
  'memory.max_usage_in_bytes',
  'memory.max',
  'memory.current',
  'memory.peak',
  'memory.swap.max',
  'pids.max',
  'pids.current',
  'devices.list',
  'freezer.state',
];

async function cgroupFiles(directories: readonly string[]): Promise<Explanation['cgroupFiles']> {
  const paths = directories.flatMap((directory) => FILES.map((file) => join(directory, file)));
  const found = await Promise.all(
    paths.map(async (file) => {
      const value = await readFile(file, 'utf8').catch(() => undefined);
      return value === undefined ? [] : [{ file, value: value.trimEnd() }];
    }),
  );
  return found.flat();
}
