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

import { isUnified, parentForGroups } from './hierarchy.ts';

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
  const groups = isUnified ? makeUnified(name) : makeOnePerController(name);
  if (groups === undefined) return undefined;
  const { directories, entrances } = groups;
  const enter = entrances.map((directory) => `echo 0 > '${directory}/cgroup.procs' && `).join('');
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

interface Groups {
  directories: string[];
  /** Where processes are put. */
  entrances: string[];
}

function makeOnePerController(name: string): Groups | undefined {
  const directories: string[] = [];
  for (const [controller, file, value] of [
    ['pids', 'pids.max', PIDS],
    ['memory', 'memory.limit_in_bytes', MEMORY_BYTES],
  ] as const) {
    const parent = parentForGroups(controller);
    if (parent === undefined) return undefined;
    const directory = join(parent, name);
    mkdirSync(directory);
    directories.push(directory);
    writeFileSync(join(directory, file), String(value));
  }
  return { directories, entrances: directories };
}

/** Processes in a leaf, so that the group can hand controllers down to those of containers. */
function makeUnified(name: string): Groups | undefined {
  const parent = parentForGroups('pids');
  if (parent === undefined) return undefined;
  try {
    writeFileSync(join(parent, 'cgroup.subtree_control'), '+pids +memory');
  } catch {
    return undefined;
  }
  const directory = join(parent, name);
  const leaf = join(directory, 'shell');
  mkdirSync(leaf, { recursive: true });
  writeFileSync(join(directory, 'pids.max'), String(PIDS));
  writeFileSync(join(directory, 'memory.max'), String(MEMORY_BYTES));
  return { directories: [directory], entrances: [leaf] };
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
