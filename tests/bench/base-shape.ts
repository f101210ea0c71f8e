/**
 * The base shape: six namespaces, docker's default mounts and masks, pivot_root, nothing of
 * control groups, capabilities or filters. It ties floor.c to the reference floor.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { type Percentiles, percentiles } from './measure.ts';
import type { Step } from './plan-steps.ts';

const [RDONLY, NOSUID, NODEV, NOEXEC, STRICTATIME] = [0x1, 0x2, 0x4, 0x8, 0x20];
const LOCKED = NOSUID | NODEV | NOEXEC;
const CHARACTER_666 = 0o020666;

/** Launches of one block. Odd: both sides then take the same one for the median. */
const BLOCK = 7;

/** Steps of the base shape on `rootfs`, for floor.c. */
function baseText(rootfs: string): string {
  const nodes: [string, number, number][] = [
    ['null', 1, 3],
    ['zero', 1, 5],
    ['full', 1, 7],
    ['random', 1, 8],
    ['urandom', 1, 9],
    ['tty', 5, 0],
  ];
  const masked = ['/proc/kcore', '/proc/keys', '/proc/timer_list'];
  const readonly = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);
  const pts = ['newinstance', '', 'ptmxmode', '0666', 'mode', '0620', 'gid', '5'];
  const steps: Step[] = [
    // user aside, all that clone3 makes: mount, pid, uts, ipc, network, cgroup.
    ['clone', 0x0002_0000 + 0x2000_0000 + 0x0400_0000 + 0x0800_0000 + 0x4000_0000 + 0x0200_0000],
    ['private'],
    ['root-bind', rootfs],
    ['new', '/proc', LOCKED, 'proc'],
    ['new', '/dev', NOSUID | STRICTATIME, 'tmpfs', 'mode', '755', 'size', '65536k'],
    ...['pts', 'shm', 'mqueue'].map((name) => ['directory', `/dev/${name}`]),
    ['new', '/dev/pts', NOSUID | NOEXEC, 'devpts', ...pts],
    ['new', '/dev/shm', LOCKED, 'tmpfs', 'mode', '1777', 'size', '65536k'],
    ['new', '/dev/mqueue', LOCKED, 'mqueue'],
    ['new', '/sys', LOCKED | RDONLY, 'sysfs'],
    ...nodes.map(([name, major, minor]) => ['node', `/dev/${name}`, CHARACTER_666, major, minor]),
    ...masked.filter(existsSync).map((path) => ['mask-file', path]),
    ...readonly.filter(existsSync).map((path) => ['read-only', path]),
    ['pivot'],
    ['attributes', '/', RDONLY, 0, 0],
    ['hostname', 'x'],
    ['no-new-privileges'],
    ['argument', '/bin/true'],
  ];
  return `${steps.map((step) => step.join('\t')).join('\n')}\n`;
}

/** The base shape by floor.c over the same by the reference floor. */
export interface BaseComparison {
  own: Percentiles;
  reference: Percentiles;
  /** Of neighbouring blocks, own over reference. */
  ratio: Percentiles;
}

/**
 * Blocks of both by turns, each in a fresh process, for the reference cannot be asked twice and the
 * first launches of a process cost more. A block's figure is its median.
 */
export function compareBase(
  programs: { own: string; reference: string },
  { planFile, rootfs, budgetMs }: { planFile: string; rootfs: string; budgetMs: number },
): BaseComparison {
  writeFileSync(planFile, baseText(rootfs));
  const blocks = { own: [] as number[], reference: [] as number[], ratio: [] as number[] };
  const end = performance.now() + budgetMs;
  for (let round = 0; round < 2 || performance.now() < end; round++) {
    // Whoever comes second finds the caches warm.
    const first = round % 2 === 0 ? ownBlock(programs.own, planFile) : undefined;
    const reference = referenceBlock(programs.reference, rootfs);
    const own = first ?? ownBlock(programs.own, planFile);
    blocks.own.push(own);
    blocks.reference.push(reference);
    blocks.ratio.push(own / reference);
  }
  return {
    own: percentiles(blocks.own),
    reference: percentiles(blocks.reference),
    ratio: percentiles(blocks.ratio),
  };
}

function ownBlock(program: string, planFile: string): number {
  const text = execFileSync(program, ['plan', planFile], {
    input: `${BLOCK} 0\n`,
    encoding: 'utf8',
  });
  const lines = text.trim().split('\n');
  return percentiles(lines.map((line) => Number(line.split(' ')[0]) / 1e6)).p50;
}

function referenceBlock(program: string, rootfs: string): number {
  const text = execFileSync(program, [rootfs, String(BLOCK), '1', 'mpuinc'], { encoding: 'utf8' });
  const median = /median ([\d.]+)/.exec(text)?.[1];
  if (median === undefined) throw new Error(`the reference floor said ${text.trim()}`);
  return Number(median);
}
