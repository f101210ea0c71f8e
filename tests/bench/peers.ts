/** The peers that are not ours, each in its own words. Who is not installed is left out. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { timed } from './floor.ts';
import { findProgram, makeBundle } from './machine.ts';
import { inProcess, type Peer } from './measure.ts';

/** Node's own start of a plain process. */
export function spawnPeer(): Peer {
  return inProcess('child_process.spawn', spawnTrue);
}

/** One plain process from Node, until its streams are closed. */
export function spawnTrue(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/true');
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

export function bwrapPeer(floor: string, rootfs: string): Peer | undefined {
  const bwrap = findProgram('bwrap');
  if (bwrap === undefined) return undefined;
  const view = ['--bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev'];
  const command = [bwrap, '--unshare-all', '--die-with-parent', ...view, '/bin/true'];
  return timed('bwrap --unshare-all', floor, ['command', ...command]);
}

/** runc on its own default configuration; its containers are removed even when it is cut short. */
export function runcPeer(floor: string, directory: string, rootfs: string): Peer | undefined {
  const runc = findProgram('runc');
  if (runc === undefined) return undefined;
  const state = join(directory, 'runc');
  mkdirSync(state);
  const bundle = makeBundle(runc, directory, rootfs);
  const id = `ctr-ts-bench-runc-${process.pid}-%n`;
  const command = [runc, '--root', state, 'run', '--bundle', bundle, id];
  const peer = timed('runc run', floor, ['command', ...command]);
  return {
    ...peer,
    slow: true,
    async close() {
      await peer.close();
      for (const left of readdirSync(state)) {
        execFileSync(runc, ['--root', state, 'delete', '--force', left]);
      }
    },
  };
}
