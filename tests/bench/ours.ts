/** Our own rows, and the plan that the floor beside them carries out. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plan, run } from '@ctr-ts/sdk';
import { timed } from './floor.ts';
import { FloorGroups } from './floor-groups.ts';
import { inProcess, type Peer } from './measure.ts';
import { planText } from './plan-steps.ts';

const COMMAND = ['/bin/true'];

/** `run()` of the SDK, awaited. */
export function sdkPeer(name: string, image: string): Peer {
  return inProcess(name, () => runTrue(image));
}

/** One container from Node, until its result is there. */
export async function runTrue(image: string): Promise<void> {
  const { exitCode } = await run({ image, command: COMMAND });
  if (exitCode !== 0) throw new Error(`true in ${image} ended with ${exitCode}`);
}

/** `ctr-ts run`, started from C, so that only its own cost counts. */
export function cliPeer(name: string, floor: string, image: string): Peer {
  const bin = fileURLToPath(new URL('../../ts/cli/bin/ctr-ts.js', import.meta.url));
  const command = [process.execPath, bin, 'run', '--rm', image, ...COMMAND];
  return { ...timed(name, floor, ['command', ...command]), slow: true };
}

/** A plan's text for floor.c, and the groups that its containers are made in. */
export interface PlannedFloor {
  text: string;
  groups: FloorGroups;
}

/** The plan of the very container the rows above run, completed by a look at a running one. */
export async function planFloor(
  image: string,
  floor: string,
  directory: string,
): Promise<PlannedFloor> {
  using undo = new DisposableStack();
  const sample = run({ image, command: ['/bin/sleep', '60'], timeoutMs: 60_000 });
  try {
    const { pid, containerId } = await sample.started;
    const listed = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
    const groups = undo.use(new FloorGroups(listed, containerId));
    const hierarchies = listed.map((line) => line.split(':')[1] ?? '').filter(Boolean);
    const described = await plan({ image, command: COMMAND });
    const filterFile =
      described.process.seccomp === null ? undefined : dumpFilter(floor, directory, pid);
    const lastCapability = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
    const text = planText(described, {
      groups: groups.places,
      hierarchies,
      filterFile,
      lastCapability,
    });
    undo.move();
    return { text, groups };
  } finally {
    await sample.kill('SIGKILL');
    await sample;
  }
}

/** The filter as the kernel holds it for this process, ptrace(2) PTRACE_SECCOMP_GET_FILTER. */
function dumpFilter(floor: string, directory: string, pid: number): string {
  const file = join(directory, `${basename(floor)}-${pid}.filter`);
  writeFileSync(file, execFileSync(floor, ['filter', String(pid)]));
  return file;
}
