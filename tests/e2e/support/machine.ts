/**
 * What a machine holds that a container can leave behind: mounts, control groups, processes,
 * network namespaces, records and temporary files. Read from the kernel, never from the product.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { findTestUser, testUserNames } from '@ctr-ts/dev/test-users';

import { slowness } from './command.ts';

/** Each thing as a line that says what it is. */
export type Machine = ReadonlySet<string>;

export function snapshot(): Machine {
  return new Set([
    ...mounts(),
    ...controlGroups(),
    ...processes(),
    ...networkNamespaces(),
    ...files(),
  ]);
}

/**
 * What is there now and was not before. Waits for it to go: the kernel takes a moment to end a
 * PID namespace, and an orphan is reaped by whoever runs as PID 1.
 */
export async function leftSince(before: Machine, withinMs = 5000): Promise<string[]> {
  const deadline = Date.now() + withinMs * slowness;
  for (;;) {
    const left = [...snapshot()].filter((line) => !before.has(line));
    if (left.length === 0 || Date.now() > deadline) return left;
    await sleep(100);
  }
}

function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `mount ${line.split(' ').slice(2, 5).join(' ')}`);
}

/** Groups of ours in every hierarchy, wherever they hang. */
function controlGroups(): string[] {
  const root = '/sys/fs/cgroup';
  const walk = (directory: string, depth: number): string[] =>
    depth > 6
      ? []
      : entries(directory).flatMap((entry) => {
          if (!entry.isDirectory()) return [];
          const path = join(directory, entry.name);
          const below = walk(path, depth + 1);
          return path.includes('ctr-ts') || path.includes('ctr-test')
            ? [`cgroup ${path}`, ...below]
            : below;
        });
  return walk(root, 0);
}

/** Processes of a PID namespace that is not ours, and those of our executable. */
function processes(): string[] {
  const own = link('/proc/self/ns/pid');
  return pids().flatMap((pid) => {
    const executable = link(`/proc/${pid}/exe`) ?? '';
    const namespace = link(`/proc/${pid}/ns/pid`);
    const foreign = namespace !== undefined && namespace !== own;
    if (!foreign && !executable.includes('ctr-runtime')) return [];
    const { state, parent } = statusOf(pid);
    // An orphan that PID 1 has yet to reap is nobody's leak.
    if (state === 'Z' && parent === '1') return [];
    const zombie = state === 'Z' ? `zombie of ${parent}` : '';
    return [`process ${pid} ${executable} ${commandOf(pid)}${zombie}`];
  });
}

/** Held by a process, by an open file or by a mount. */
function networkNamespaces(): string[] {
  const held = new Set<string>();
  for (const pid of pids()) {
    held.add(link(`/proc/${pid}/ns/net`) ?? '');
    for (const { name } of entries(`/proc/${pid}/fd`)) {
      const target = link(`/proc/${pid}/fd/${name}`);
      if (target?.startsWith('net:[')) held.add(target);
    }
  }
  for (const { name } of entries('/run/netns')) held.add(`/run/netns/${name}`);
  held.delete('');
  return [...held].map((name) => `network namespace ${name}`);
}

/** Records, sockets, writable layers and temporary directories. */
function files(): string[] {
  const users = Object.values(testUserNames).flatMap((name) => findTestUser(name) ?? []);
  const stores = [
    '/run/ctr-ts',
    '/var/lib/ctr-ts/containers',
    '/var/lib/ctr-ts/staging',
    ...users.flatMap(({ uid, home }) => [
      `/tmp/ctr-ts-${uid}`,
      join(home, '.local/share/ctr-ts/containers'),
      join(home, '.local/share/ctr-ts/staging'),
    ]),
  ];
  const kept = stores.flatMap((store) =>
    entries(store)
      .flatMap((entry) =>
        // The directories of a store stay; what is in them goes.
        entry.isDirectory() && ['containers', 'names', 'owners'].includes(entry.name)
          ? entries(join(store, entry.name)).map(({ name }) => join(store, entry.name, name))
          : [join(store, entry.name)],
      )
      .filter((path) => !path.endsWith('/lock')),
  );
  const runRoots = new Set(users.map(({ uid }) => `ctr-ts-${uid}`));
  const temporary = ['/tmp', '/var/tmp', '/dev/shm'].flatMap((directory) =>
    entries(directory)
      .filter(({ name }) => /ctr|overlay|layer/.test(name) && !runRoots.has(name))
      .filter(({ name }) => !/^ctr-ts-test-/.test(name))
      .map(({ name }) => join(directory, name)),
  );
  return [...kept, ...temporary].map((path) => `file ${path}`);
}

function pids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function statusOf(pid: number): { state: string; parent: string } {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string) => new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)?.[1] ?? '';
    return { state: field('State'), parent: field('PPid') };
  } catch {
    // It is gone, and so is its parent.
    return { state: 'Z', parent: '1' };
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function entries(directory: string) {
  try {
    return existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [];
  } catch {
    // It went away between two looks, which is what it should do.
    return [];
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
