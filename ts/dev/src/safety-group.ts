/**
 * The outer control group of a test run: a fork bomb or a runaway allocation under test ends here
 * and not on the machine. Made below our own group, removed afterwards; what is still in it then
 * was leaked by a test.
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

interface Limit {
  controller: string;
  file: string;
  value: string;
}

/** The driver and vitest need about 60 tasks; the tests' own limits are far below these. */
const limits: readonly Limit[] = [
  { controller: 'pids', file: 'pids.max', value: '768' },
  { controller: 'memory', file: 'memory.limit_in_bytes', value: String(6 * 1024 ** 3) },
];

const emptyWithinMs = 5000;

export interface SafetyGroup {
  /** Shell words that put the shell into the group; empty where no group could be made. */
  enter: string;
  /** Ends and names what was left; removes the group. */
  close(): Promise<string[]>;
}

export function makeSafetyGroup(name: string): SafetyGroup {
  const directories: string[] = [];
  for (const { controller, file, value } of limits) {
    const parent = ownGroup(controller);
    if (parent === undefined) continue;
    const directory = join(parent, `ctr-ts-test-${name}-${process.pid}`);
    try {
      mkdirSync(directory);
      directories.push(directory);
      writeFileSync(join(directory, file), value);
    } catch (error) {
      process.stderr.write(
        `test: no ${controller} limit around ${name}: ${(error as Error).message}\n`,
      );
    }
  }
  return {
    enter: directories.map((directory) => `echo 0 > '${directory}/cgroup.procs'; `).join(''),
    close: () => close(directories),
  };
}

/** Our own directory in a v1 hierarchy; undefined where the controller has none. */
function ownGroup(controller: string): string | undefined {
  const line = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((row) => row.split(':')[1]?.split(',').includes(controller));
  const directory = line && join('/sys/fs/cgroup', controller, line.split(':')[2] ?? '');
  return directory && existsSync(directory) ? directory : undefined;
}

async function close(directories: readonly string[]): Promise<string[]> {
  const deadline = Date.now() + emptyWithinMs;
  let left = membersOf(directories);
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(100);
    left = membersOf(directories);
  }
  const names = left.map((pid) => `${pid} ${commandOf(pid)}`);
  for (const pid of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended on its own.
    }
  }
  if (left.length > 0) await sleep(500);
  for (const directory of directories) removeGroups(directory);
  return names;
}

function groupsBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const children = readdirSync(directory, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return [...children.flatMap((entry) => groupsBelow(join(directory, entry.name))), directory];
}

function membersOf(directories: readonly string[]): number[] {
  const pids = new Set<number>();
  for (const group of directories.flatMap(groupsBelow)) {
    for (const line of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n')) {
      if (line !== '') pids.add(Number(line));
    }
  }
  return [...pids];
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || '(gone)';
  } catch {
    return '(gone)';
  }
}

/** Deepest first; a group that cannot go yet is left for the kernel's own reasons. */
function removeGroups(directory: string): void {
  for (const group of groupsBelow(directory)) {
    try {
      rmdirSync(group);
    } catch (error) {
      process.stderr.write(`test: ${group} stays: ${(error as Error).message}\n`);
    }
  }
}
