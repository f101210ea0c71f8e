/**
 * A control group around a dangerous test: what escapes the limit under test ends here. Below our
 * own group, in the hierarchies that bound processes and memory, and gone afterwards.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface OuterGroup {
  /** The command line that runs another one inside. */
  wrap(command: string, args: readonly string[]): [string, string[]];
  /** Every process inside, of groups below too. */
  members(): number[];
  /** Kills what is left and removes the group. */
  close(): Promise<void>;
}

const PIDS = 400;
const MEMORY_BYTES = 2 * 1024 ** 3;

let made = 0;

/** Undefined where the controllers are missing: the test must be skipped then. */
export function makeOuterGroup(): OuterGroup | undefined {
  made += 1;
  const name = `ctr-test-${process.pid}-${made}`;
  const directories: string[] = [];
  for (const [controller, file, value] of [
    ['pids', 'pids.max', PIDS],
    ['memory', 'memory.limit_in_bytes', MEMORY_BYTES],
  ] as const) {
    const parent = ownGroup(controller);
    if (parent === undefined) return undefined;
    const directory = join(parent, name);
    mkdirSync(directory);
    directories.push(directory);
    writeFileSync(join(directory, file), String(value));
  }
  const enter = directories.map((directory) => `echo 0 > '${directory}/cgroup.procs' && `).join('');
  const members = () => [...new Set(directories.flatMap(groupsBelow).flatMap(pidsOf))];
  return {
    wrap: (command, args) => ['/bin/sh', ['-c', `${enter}exec "$@"`, 'sh', command, ...args]],
    members,
    close: async () => {
      for (let round = 0; round < 50 && members().length > 0; round += 1) {
        for (const pid of members()) kill(pid);
        await sleep(50);
      }
      for (const group of directories.flatMap(groupsBelow)) rmdirSync(group);
    },
  };
}

/** Our own directory in a hierarchy of version 1. */
export function ownGroup(controller: string): string | undefined {
  const row = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((line) => line.split(':')[1]?.split(',').includes(controller));
  const directory = row && join('/sys/fs/cgroup', controller, row.split(':')[2] ?? '');
  return directory && existsSync(directory) ? directory : undefined;
}

/** Deepest first. */
function groupsBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const children = readdirSync(directory, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return [...children.flatMap(({ name }) => groupsBelow(join(directory, name))), directory];
}

function pidsOf(group: string): number[] {
  try {
    return readFileSync(join(group, 'cgroup.procs'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended on its own.
  }
}
