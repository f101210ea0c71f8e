/** What is mounted in a container besides its root, and why with these options. */

import type { SpecMount } from './oci.ts';
import type { TmpfsMount, VolumeMount } from './options.ts';

/** A mount with the reason it is there as it is. */
export interface MountRow {
  mount: SpecMount;
  reason: string;
}

/** What decides how the kernel file systems can be mounted. */
export interface MountContext {
  /** The container has a user namespace (an ordinary user started it). */
  rootless: boolean;
  /** Group 5 (tty) exists in the container's user namespace. */
  ttyGroup: boolean;
  /** The container shares the network of the host. */
  hostNetwork: boolean;
  /** docker's `--privileged`: kernel file systems are writable. */
  privileged: boolean;
  /** Default `private`; the host's comes with its /dev/shm. */
  ipc?: 'private' | 'host' | 'none' | undefined;
  /** The container sees the cgroups of the host. */
  hostCgroups?: boolean | undefined;
  /** Default 64 MiB. */
  shmSizeBytes?: number | undefined;
}

/** docker's default. */
const SHM_SIZE_BYTES = 64 * 1024 * 1024;

/** Mounts every container gets, in order. */
export function defaultMounts(context: MountContext): MountRow[] {
  const rows: MountRow[] = [
    {
      mount: mount('/proc', 'proc', 'proc', ['nosuid', 'noexec', 'nodev']),
      reason: 'processes of the container’s own PID namespace',
    },
    {
      mount: mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
      reason: 'device nodes of the container only; noexec would break programs that map /dev/zero',
    },
    {
      mount: mount('/dev/pts', 'devpts', 'devpts', [
        'nosuid',
        'noexec',
        'newinstance',
        'ptmxmode=0666',
        'mode=0620',
        // An id that the user namespace does not map is EINVAL.
        ...(context.ttyGroup ? ['gid=5'] : []),
      ]),
      reason: 'terminals of the container, invisible to others',
    },
    sysMount(context),
    cgroupMount(context),
    ...ipcMounts(context),
  ];
  return rows;
}

function sysMount({ rootless, hostNetwork, privileged }: MountContext): MountRow {
  if (rootless || hostNetwork) {
    return {
      // A mount of the host comes with its submounts: each of them is made read-only as well.
      mount: mount('/sys', 'none', '/sys', ['rbind', 'rro', 'rnosuid', 'rnoexec', 'rnodev']),
      reason: rootless
        ? 'a new sysfs is refused in a user namespace wherever the host hides part of its own'
        : 'a new sysfs shows the network it is mounted from, which is the host’s here',
    };
  }
  const options = ['nosuid', 'noexec', 'nodev', ...(privileged ? [] : ['ro'])];
  return {
    mount: mount('/sys', 'sysfs', 'sysfs', options),
    reason: 'devices and kernel objects; read-only, for they are the host’s',
  };
}

function cgroupMount({ privileged, hostCgroups = false }: MountContext): MountRow {
  if (hostCgroups) {
    const how = privileged ? ['rbind'] : ['rbind', 'rro', 'rnosuid', 'rnoexec', 'rnodev'];
    return {
      mount: mount('/sys/fs/cgroup', 'none', '/sys/fs/cgroup', how),
      reason: 'asked for: the cgroups of the host are in sight',
    };
  }
  const options = ['nosuid', 'noexec', 'nodev', 'relatime', ...(privileged ? [] : ['ro'])];
  return {
    mount: mount('/sys/fs/cgroup', 'cgroup', 'cgroup', options),
    reason: 'the container’s own cgroup as root; read-only, or it could raise its own limits',
  };
}

function ipcMounts(context: MountContext): MountRow[] {
  const { ipc = 'private', rootless, shmSizeBytes = SHM_SIZE_BYTES } = context;
  const locked = ['nosuid', 'noexec', 'nodev'];
  const rows: MountRow[] = [];
  // The queues of an IPC namespace can be mounted by who has privilege over it only.
  if (ipc !== 'host' || !rootless) {
    rows.push({
      mount: mount('/dev/mqueue', 'mqueue', 'mqueue', locked),
      reason:
        'message queues of the IPC namespace, the container’s own unless the caller says else',
    });
  }
  if (ipc === 'host') {
    rows.push({
      mount: mount('/dev/shm', 'none', '/dev/shm', ['rbind', 'rnosuid', 'rnoexec', 'rnodev']),
      reason: 'asked for: shared memory of the host',
    });
    return rows;
  }
  if (ipc === 'none') return rows;
  rows.push({
    mount: mount('/dev/shm', 'tmpfs', 'shm', [...locked, 'mode=1777', `size=${shmSizeBytes}`]),
    reason: 'POSIX shared memory; 64 MiB as in docker unless the caller says else',
  });
  return rows;
}

/** Volumes and tmpfs mounts in the order in which one may lie below another. */
export function userMounts(
  volumes: readonly VolumeMount[],
  tmpfs: readonly TmpfsMount[],
): MountRow[] {
  const rows: MountRow[] = [
    ...tmpfs.map((row) => ({
      mount: mount(row.target, 'tmpfs', 'tmpfs', tmpfsOptions(row)),
      reason: 'asked for by the caller',
    })),
    ...volumes.map((row) => ({
      mount: mount(row.target, 'none', row.source, volumeOptions(row)),
      reason: 'asked for by the caller',
    })),
  ];
  // ORDER: parents first; a stable sort keeps what the caller said for equal depths.
  return rows.toSorted((a, b) => depth(a.mount.destination) - depth(b.mount.destination));
}

function tmpfsOptions(row: TmpfsMount): string[] {
  const { sizeBytes, inodes, mode, uid, gid } = row;
  const parameters = { size: sizeBytes, nr_inodes: inodes, mode: mode?.toString(8), uid, gid };
  return [
    row.suid === true ? 'suid' : 'nosuid',
    row.exec === true ? 'exec' : 'noexec',
    row.dev === true ? 'dev' : 'nodev',
    ...(row.readOnly === true ? ['ro'] : []),
    ...Object.entries(parameters).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${value}`],
    ),
  ];
}

function volumeOptions(row: VolumeMount): string[] {
  const { recursive = true, readOnly, readOnlyRecursive = true } = row;
  const readonly = recursive && readOnlyRecursive ? 'rro' : 'ro';
  return [recursive ? 'rbind' : 'bind', readOnly ? readonly : 'rw', row.propagation ?? 'rprivate'];
}

function depth(path: string): number {
  return path.split('/').filter(Boolean).length;
}

function mount(destination: string, type: string, source: string, options: string[]): SpecMount {
  return { destination, type, source, options };
}
