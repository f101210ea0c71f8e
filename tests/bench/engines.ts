/**
 * podman and docker as peers: whole engines, each with a store, a run directory and control groups
 * of its own, which go with it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { timed } from './floor.ts';
import { findProgram } from './machine.ts';
import type { Peer } from './measure.ts';

/** Engines write below /run whatever they are told: they get a /run that goes with them. */
const OWN_RUN = [
  'unshare',
  '--mount',
  '--propagation',
  'private',
  'sh',
  '-c',
  'mount -t tmpfs -o mode=755 tmpfs /run && exec "$@"',
  'sh',
] as const;

/** How long dockerd may take to listen, and to end. */
const PATIENCE_MS = 15_000;

/** `podman run` on runc: the crun of Debian 12 refuses hybrid control groups. */
export function podmanPeer(floor: string, directory: string, rootfs: string): Peer | undefined {
  const [podman, runc] = [findProgram('podman'), findProgram('runc')];
  if (podman === undefined || runc === undefined) return undefined;
  const state = join(directory, 'podman');
  mkdirSync(state);
  const group = `ctr-ts-bench-podman-${process.pid}`;
  const [unshare, ...words] = [
    ...OWN_RUN,
    ...[floor, 'command', podman, '--root', join(state, 'root'), '--runroot', '/run/podman'],
    ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'none', '--runtime', runc],
    ...['run', '--rm', '--network', 'none', '--cgroup-parent', `/${group}`],
    // It raises both by default, which needs CAP_SYS_RESOURCE.
    ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
    ...['--rootfs', rootfs, '/bin/true'],
  ];
  const peer = timed('podman run', unshare, words);
  return {
    ...peer,
    slow: true,
    async close() {
      await peer.close();
      removeGroups(group);
    },
  };
}

/** `docker run` against a dockerd of its own; the reason when that does not start here. */
export async function dockerPeer(
  floor: string,
  directory: string,
  rootfs: string,
): Promise<Peer | string> {
  const [docker, dockerd] = [findProgram('docker'), findProgram('dockerd')];
  if (docker === undefined || dockerd === undefined) return 'not installed';
  const state = join(directory, 'docker');
  mkdirSync(state);
  const host = `unix://${join(state, 'socket')}`;
  const group = `ctr-ts-bench-docker-${process.pid}`;
  const log = join(state, 'log');
  const daemon = startDaemon(dockerd, { state, host, group, log });
  try {
    await answers(docker, host, daemon);
    const archive = join(state, 'rootfs.tar');
    execFileSync('tar', ['-C', rootfs, '-cf', archive, '.']);
    execFileSync(docker, ['-H', host, 'import', archive, 'bench:latest'], { stdio: 'pipe' });
  } catch {
    await endDaemon(daemon, group);
    return `dockerd does not start here: ${lastLine(log)}`;
  }
  const command = [docker, '-H', host, 'run', '--rm', '--network', 'none', 'bench:latest'];
  const peer = timed('docker run', floor, ['command', ...command, '/bin/true']);
  return {
    ...peer,
    slow: true,
    async close() {
      await peer.close();
      await endDaemon(daemon, group);
    },
  };
}

interface Daemon {
  state: string;
  host: string;
  group: string;
  log: string;
}

function startDaemon(dockerd: string, { state, host, group, log }: Daemon): ChildProcess {
  const [unshare, ...words] = [
    ...OWN_RUN,
    ...[dockerd, '--iptables=false', '--bridge=none', '--cgroup-parent', `/${group}`, '-H', host],
    ...['--data-root', join(state, 'data'), '--exec-root', '/run/docker'],
    ...['-p', join(state, 'pid')],
  ];
  const output = openSync(log, 'w');
  return spawn(unshare, words, { stdio: ['ignore', output, output] });
}

async function answers(docker: string, host: string, daemon: ChildProcess): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (daemon.exitCode === null && performance.now() < end) {
    await sleep(100);
    try {
      execFileSync(docker, ['-H', host, 'version'], { stdio: 'ignore', timeout: PATIENCE_MS });
      return;
    } catch {
      // Not yet.
    }
  }
  throw new Error('no answer');
}

async function endDaemon(daemon: ChildProcess, group: string): Promise<void> {
  if (daemon.exitCode === null && daemon.signalCode === null) {
    const exited = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    const timer = setTimeout(() => daemon.kill('SIGKILL'), PATIENCE_MS);
    await exited;
    clearTimeout(timer);
  }
  removeGroups(group);
}

function lastLine(log: string): string {
  return existsSync(log) ? (readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? '') : '';
}

/** Empty groups of this name in every hierarchy, deepest first. */
function removeGroups(name: string): void {
  const top = '/sys/fs/cgroup';
  for (const hierarchy of ['', ...readdirSync(top)]) removeGroup(join(top, hierarchy, name));
}

function removeGroup(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroup(join(path, entry.name));
  }
  rmdirSync(path);
}
