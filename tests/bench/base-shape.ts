/**
 * The base shape: six namespaces, docker's default mounts and masks, pivot_root, nothing of
 * control groups, capabilities or filters. It ties floor.c to the reference floor.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Peer } from './measure.ts';
import type { Step } from './plan-steps.ts';

const [RDONLY, NOSUID, NODEV, NOEXEC, STRICTATIME] = [0x1, 0x2, 0x4, 0x8, 0x20];
const LOCKED = NOSUID | NODEV | NOEXEC;
const CHARACTER_666 = 0o020666;

/** Steps of the base shape on `rootfs`, for floor.c. */
export function baseText(rootfs: string): string {
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

/** The reference floor on the same root; one figure, the median it prints, for each block. */
export function referencePeer(program: string, rootfs: string): Peer {
  return {
    name: 'reference floor',
    async block(count) {
      const args = [rootfs, String(count), '1', 'mpuinc'];
      const text = execFileSync(program, args, { encoding: 'utf8' });
      const median = /median ([\d.]+)/.exec(text)?.[1];
      if (median === undefined) throw new Error(`the reference floor said ${text.trim()}`);
      return [Number(median)];
    },
    async close() {},
  };
}

/** A peer whose blocks give one figure, their median, as the reference's do. */
export function byMedian(peer: Peer): Peer {
  return {
    ...peer,
    async block(count, pauseMs) {
      const sorted = (await peer.block(count, pauseMs)).toSorted((a, b) => a - b);
      return [sorted[Math.floor(sorted.length / 2)] ?? Number.NaN];
    },
  };
}
