/** What a caller can mount in a container, and what of that cannot work. */

import { existsSync, readFileSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { posix } from 'node:path';
import { CtrError } from './errors.ts';
import { type MountView, parseMountinfo } from './proc.ts';

/** Whether mounts made on one side show on the other, mount_namespaces(7). */
export type Propagation = 'private' | 'rprivate' | 'slave' | 'rslave' | 'shared' | 'rshared';

/** A file or directory of the host shown in the container. */
export interface VolumeMount {
  /** Absolute path on the host; must exist. */
  source: string;
  /** Absolute path in the container; made if missing. */
  target: string;
  /** Default false. */
  readOnly?: boolean | undefined;
  /** With `readOnly`: what is mounted below it is read-only too. Default true. */
  readOnlyRecursive?: boolean | undefined;
  /** What is mounted below the source comes along. Default true. */
  recursive?: boolean | undefined;
  /** Default `rprivate`. `shared` and `rshared` are not there yet. */
  propagation?: Propagation | undefined;
  /** Labels it for SELinux, for this container alone or for several; without SELinux nothing. */
  relabel?: 'private' | 'shared' | undefined;
}

/** An empty file system in memory. */
export interface TmpfsMount {
  /** Absolute path in the container. */
  target: string;
  /** Its limit in bytes. Default: the kernel's, half of memory. */
  sizeBytes?: number | undefined;
  /** Most files and directories. Default: the kernel's. */
  inodes?: number | undefined;
  /** Permission bits of its root. Default 0o1777. */
  mode?: number | undefined;
  /** Owner of its root, a number. */
  uid?: number | undefined;
  gid?: number | undefined;
  /** Default false. */
  readOnly?: boolean | undefined;
  /** Programs in it can be executed. Default false. */
  exec?: boolean | undefined;
  /** Set-id bits in it count. Default false. */
  suid?: boolean | undefined;
  /** Device nodes in it work. Default false. */
  dev?: boolean | undefined;
}

const PROPAGATIONS: readonly string[] = [
  ...['private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared'],
];

/**
 * Checks mounts; sources must exist.
 *
 * @throws CtrError `INVALID_MOUNT`, `INVALID_LIMIT`, `FILE_NOT_FOUND`, `PERMISSION_DENIED`, `NOT_YET`
 */
export async function checkMounts(
  volumes: readonly VolumeMount[],
  tmpfs: readonly TmpfsMount[],
): Promise<void> {
  for (const mount of tmpfs) checkTmpfs(mount);
  const targets = [...volumes, ...tmpfs].map(({ target }) => posix.join(target, '/'));
  const twice = targets.find((target, index) => targets.indexOf(target) !== index);
  if (twice !== undefined) {
    throw invalid(`two mounts at ${twice.slice(0, -1)}`, 'give each a target of its own');
  }
  await Promise.all(volumes.map(checkVolume));
}

function checkTmpfs({ target, sizeBytes, inodes, mode, uid, gid }: TmpfsMount): void {
  checkTarget(target);
  for (const [name, value] of Object.entries({ size: sizeBytes, 'number of inodes': inodes })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new CtrError('INVALID_LIMIT', `invalid tmpfs ${name} ${value}`);
    }
  }
  const isId = (id: number | undefined) =>
    id === undefined || (Number.isSafeInteger(id) && id >= 0 && id < 2 ** 32 - 1);
  const isMode = mode === undefined || (Number.isSafeInteger(mode) && mode >= 0 && mode <= 0o7777);
  if (!isMode || !isId(uid) || !isId(gid)) {
    throw invalid(`invalid mode or owner of the tmpfs at ${target}`, 'write numbers: 0o1777, 1000');
  }
}

async function checkVolume(volume: VolumeMount): Promise<void> {
  const { source, target, propagation = 'rprivate', relabel } = volume;
  checkTarget(target);
  if (!posix.isAbsolute(source)) {
    throw invalid(
      `volume source ${JSON.stringify(source)} is not absolute`,
      'give an absolute path on the host',
    );
  }
  if (!PROPAGATIONS.includes(propagation)) {
    throw invalid(
      `unknown propagation ${JSON.stringify(propagation)}`,
      `write one of ${PROPAGATIONS.join(', ')}`,
    );
  }
  if (relabel !== undefined && existsSync('/sys/fs/selinux/enforce')) {
    throw new CtrError('NOT_YET', `cannot label ${source} for SELinux yet`, {
      hint: 'label it yourself: chcon -Rt container_file_t DIR, and leave z or Z out',
    });
  }
  const real = await realpath(source).catch((cause: unknown) => {
    throw new CtrError('FILE_NOT_FOUND', `cannot use volume source ${source}`, {
      hint: 'create it first: a missing source is never made',
      cause,
    });
  });
  if (!propagation.endsWith('private')) checkPropagation(real, propagation);
}

/** As docker: what the host's mount does not do cannot reach the container. */
function checkPropagation(source: string, propagation: Propagation): void {
  if (propagation.endsWith('shared')) {
    throw new CtrError('NOT_YET', `propagation ${propagation} is not there yet`, {
      hint: 'use rslave: the owner of containers is in a mount namespace that the host does not follow',
    });
  }
  const mount = mountOf(source, parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')));
  if (mount?.propagation.some((field) => /^(shared|master):/.test(field))) return;
  throw invalid(
    `${source} is on ${mount?.target ?? '/'}, whose mounts are private`,
    `share it first: mount --make-shared ${mount?.target ?? '/'}`,
  );
}

/** The mount a path is on: the last of those with the longest target. */
function mountOf(path: string, mounts: readonly MountView[]): MountView | undefined {
  const above = mounts.filter(
    ({ target }) => target === '/' || path === target || path.startsWith(`${target}/`),
  );
  const longest = Math.max(...above.map(({ target }) => target.length));
  return above.findLast(({ target }) => target.length === longest);
}

function checkTarget(target: string): void {
  const path = posix.normalize(target);
  const problem = !posix.isAbsolute(target)
    ? 'is not absolute'
    : target.includes('\0') || target.split('/').includes('..')
      ? 'leaves its directory'
      : path === '/'
        ? 'would hide the whole image'
        : // SECURITY: /proc/self/attr and the masked paths are reached through /proc; a mount there
          // is how containers have turned those protections off (CVE-2019-16884).
          path === '/proc' || path.startsWith('/proc/')
          ? 'lies in /proc'
          : undefined;
  if (problem === undefined) return;
  throw invalid(
    `mount target ${JSON.stringify(target)} ${problem}`,
    'give an absolute path in the container, for example /work',
  );
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_MOUNT', message, { hint });
}
