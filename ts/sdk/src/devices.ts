/** Devices of the host in a container: which nodes, and what may be done with them. */

import { readdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { CtrError } from './errors.ts';
import type { SpecDevice, SpecDeviceRule, SpecMount } from './oci.ts';

/** A device of the host, or a directory of devices. */
export interface DeviceOption {
  /** Absolute path on the host. */
  source: string;
  /** Path in the container, below /dev. Default: `source`. */
  target?: string | undefined;
  /** Of `r` (read), `w` (write) and `m` (mknod). Default `'rwm'`. Root only: others have it all. */
  access?: string | undefined;
}

/** A rule of the container's cgroup, added after the default ones. Root only. */
export interface DeviceRule {
  /** `a` is both kinds. */
  type: 'a' | 'b' | 'c';
  /** `null` is every number. */
  major: number | null;
  minor: number | null;
  /** As {@link DeviceOption.access}. */
  access: string;
}

export interface DeviceOptions {
  devices?: DeviceOption[] | undefined;
  deviceRules?: DeviceRule[] | undefined;
}

/** A device that was found on the host. */
export interface DeviceNode {
  source: string;
  target: string;
  access: string;
  type: 'b' | 'c';
  major: number;
  minor: number;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
}

/** Places of a host's /dev that are not devices to hand on: terminals, memory, links to files. */
const SKIPPED = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev']);

/** Least deep directories first; deeper than any /dev is. */
const MAX_DEPTH = 8;

/**
 * Checks what can be checked without a look at the machine.
 *
 * @throws CtrError `INVALID_DEVICE`
 */
export function checkDevices({ devices, deviceRules }: DeviceOptions): void {
  for (const { source, target = source, access = 'rwm' } of devices ?? []) {
    if (!posix.isAbsolute(source) || source.includes('\0')) {
      throw invalid(`device ${JSON.stringify(source)} is not absolute`, 'write /dev/NAME');
    }
    const inside = posix.normalize(target);
    if (!inside.startsWith('/dev/') || target.includes('\0') || target.split('/').includes('..')) {
      throw invalid(
        `device target ${JSON.stringify(target)} is not below /dev`,
        'devices work below /dev only: everything else is mounted without them',
      );
    }
    checkAccess(access, source);
  }
  for (const { type, major, minor, access } of deviceRules ?? []) {
    const number = (value: number | null) =>
      value === null || (Number.isSafeInteger(value) && value >= 0);
    if (!['a', 'b', 'c'].includes(type) || !number(major) || !number(minor)) {
      throw invalid(`invalid device rule ${type} ${major}:${minor}`, 'for example c 10:229 rwm');
    }
    checkAccess(access, `rule ${type}`);
  }
}

/**
 * The devices the options name; directories bring all that is in them.
 *
 * @throws CtrError `FILE_NOT_FOUND`, `INVALID_DEVICE`, and `PERMISSION_DENIED` for what an
 * ordinary user cannot have
 */
export async function findDevices(
  { devices, deviceRules }: DeviceOptions,
  host: { rootless: boolean; singleId: boolean },
): Promise<DeviceNode[]> {
  if (host.rootless && deviceRules !== undefined && deviceRules.length > 0) {
    throw new CtrError('PERMISSION_DENIED', 'device rules need root', {
      hint: 'leave them out: what this user may open decides',
    });
  }
  const found = await Promise.all(
    (devices ?? []).map(({ source, target = source, access = 'rwm' }) =>
      nodesAt(posix.normalize(source), posix.normalize(target), access, 0),
    ),
  );
  const nodes = found.flat();
  if (host.rootless) for (const node of nodes) checkOpens(node, host.singleId);
  return nodes;
}

/** How the nodes reach the container: made where mknod is allowed, bound from the host else. */
export function deviceSpec(
  nodes: readonly DeviceNode[],
  rules: readonly DeviceRule[],
  rootless: boolean,
): { devices: SpecDevice[]; mounts: SpecMount[]; rules: SpecDeviceRule[] } {
  if (rootless) {
    const mounts = nodes.map(({ source, target }) => ({
      destination: target,
      type: 'none',
      source,
      options: ['bind', 'nosuid', 'noexec'],
    }));
    return { devices: [], mounts, rules: [] };
  }
  return {
    devices: nodes.map(({ target, type, major, minor, mode, uid, gid }) => ({
      path: target,
      type,
      major,
      minor,
      fileMode: mode,
      uid,
      gid,
    })),
    mounts: [],
    rules: [
      ...nodes.map(({ type, major, minor, access }) => ({
        allow: true,
        type,
        major,
        minor,
        access,
      })),
      ...rules.map(({ type, major, minor, access }) => ({
        allow: true,
        type,
        ...(major === null ? {} : { major }),
        ...(minor === null ? {} : { minor }),
        access,
      })),
    ],
  };
}

async function nodesAt(
  source: string,
  target: string,
  access: string,
  depth: number,
): Promise<DeviceNode[]> {
  const entry = await stat(source).catch((cause: unknown) => {
    // What lies in a directory comes and goes.
    if (depth > 0) return undefined;
    throw new CtrError('FILE_NOT_FOUND', `cannot use device ${source}`, {
      hint: 'check the path, and that the module of the device is loaded',
      cause,
    });
  });
  if (entry?.isCharacterDevice() === true || entry?.isBlockDevice() === true) {
    const { rdev, mode, uid, gid } = entry;
    const type = entry.isBlockDevice() ? 'b' : 'c';
    const numbers = { major: majorOf(rdev), minor: minorOf(rdev) };
    return [{ source, target, access, type, ...numbers, mode: mode & 0o7777, uid, gid }];
  }
  if (entry?.isDirectory() === true && depth < MAX_DEPTH) {
    const names = (await readdir(source)).filter((name) => !SKIPPED.has(name)).toSorted();
    const below = await Promise.all(
      names.map((name) => nodesAt(join(source, name), join(target, name), access, depth + 1)),
    );
    if (depth > 0 || below.flat().length > 0) return below.flat();
  }
  if (depth > 0) return [];
  throw invalid(
    `${source} is no device and holds none`,
    'name a device node, or a directory of them',
  );
}

/**
 * SECURITY: this only makes the refusal early and clear. The kernel itself decides at open, for a
 * bound node keeps its owner and mode.
 */
function checkOpens({ source, access, mode, uid, gid }: DeviceNode, singleId: boolean): void {
  if (!(access.includes('r') && access.includes('w'))) {
    throw new CtrError('PERMISSION_DENIED', `device ${source} with access ${access} needs root`, {
      hint: 'leave the access out: a device is bound with the rights this user has on it',
    });
  }
  const mine = uid === process.geteuid?.() ? (mode >> 6) & 0o6 : 0;
  // Groups of the caller's are given up, but where a single id is mapped.
  const groups = singleId ? (process.getgroups?.() ?? []) : [];
  const group = groups.includes(gid) ? (mode >> 3) & 0o6 : 0;
  if ((mine | group | (mode & 0o6)) === 0) {
    throw new CtrError('PERMISSION_DENIED', `this user may not open device ${source}`, {
      hint: 'the device must belong to this user or be open to all: groups are not passed on',
    });
  }
}

function checkAccess(access: string, what: string): void {
  if (/^(?!.*(.).*\1)[rwm]{1,3}$/.test(access)) return;
  throw invalid(`invalid access ${JSON.stringify(access)} of ${what}`, 'use letters of rwm');
}

/** makedev(3). */
function majorOf(rdev: number): number {
  return (rdev >>> 8) & 0xfff;
}

function minorOf(rdev: number): number {
  return (rdev & 0xff) | ((rdev >>> 12) & 0xfff00);
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_DEVICE', message, { hint });
}
