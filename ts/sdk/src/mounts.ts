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
}

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
    {
      mount: mount('/sys/fs/cgroup', 'cgroup', 'cgroup', [
        'nosuid',
        'noexec',
        'nodev',
        'relatime',
        ...(context.privileged ? [] : ['ro']),
      ]),
      reason: 'the container’s own cgroup as root; read-only, or it could raise its own limits',
    },
    {
      mount: mount('/dev/mqueue', 'mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
      reason: 'message queues of the container’s own IPC namespace',
    },
    {
      mount: mount('/dev/shm', 'tmpfs', 'shm', [
        'nosuid',
        'noexec',
        'nodev',
        'mode=1777',
        'size=65536k',
      ]),
      reason: 'POSIX shared memory; 64 MiB as in docker',
    },
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

/** Volumes and tmpfs mounts in the order in which one may lie below another. */
export function userMounts(
  volumes: readonly VolumeMount[],
  tmpfs: readonly TmpfsMount[],
): MountRow[] {
  const rows: MountRow[] = [
    ...tmpfs.map(({ target, sizeBytes }) => ({
      mount: mount(target, 'tmpfs', 'tmpfs', [
        'nosuid',
        'noexec',
        'nodev',
        ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`]),
      ]),
      reason: 'asked for by the caller',
    })),
    ...volumes.map(({ source, target, readOnly }) => ({
      mount: mount(target, 'none', source, ['rbind', readOnly ? 'rro' : 'rw', 'rprivate']),
      reason: 'asked for by the caller',
    })),
  ];
  // ORDER: parents first; a stable sort keeps what the caller said for equal depths.
  return rows.toSorted((a, b) => depth(a.mount.destination) - depth(b.mount.destination));
}

function depth(path: string): number {
  return path.split('/').filter(Boolean).length;
}

function mount(destination: string, type: string, source: string, options: string[]): SpecMount {
  return { destination, type, source, options };
}
