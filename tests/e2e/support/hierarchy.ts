/** Which control groups this machine has, as a test needs it that reads their files itself. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const cgroupRoot = '/sys/fs/cgroup';

/** One tree of version 2 and nothing else, as on every current distribution. */
export const isUnified = existsSync(join(cgroupRoot, 'cgroup.controllers'));

/** The directory of a process's group in the hierarchy of this controller. */
export function groupOf(pid: number | 'self', controller: string): string | undefined {
  const row = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .find((line) =>
      isUnified ? line.startsWith('0::') : line.split(':')[1]?.split(',').includes(controller),
    );
  const path = row?.split(':').slice(2).join(':');
  if (path === undefined) return undefined;
  const directory = resolve(cgroupRoot, isUnified ? '.' : controller, `./${path}`);
  return existsSync(directory) ? directory : undefined;
}

/**
 * Where a test can make groups that have this controller. In version 2 a group with processes
 * cannot hand controllers down, the root excepted: beside our own group then, not below it.
 */
export function parentForGroups(controller: string): string | undefined {
  const own = groupOf('self', controller);
  return isUnified && own !== undefined && own !== cgroupRoot ? dirname(own) : own;
}
