/** A container small enough to test the client with: the host's /usr in an otherwise empty root. */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LaunchRequest } from './addon.ts';
import type { Client } from './client.ts';

/** A directory with a run root and a root file system. */
export interface Place {
  runRoot: string;
  rootfs: string;
  [Symbol.dispose](): void;
}

export function makePlace(): Place {
  const directory = mkdtempSync(join(tmpdir(), 'ctr-native-'));
  const rootfs = join(directory, 'rootfs');
  for (const name of ['usr', 'proc', 'dev', 'tmp'])
    mkdirSync(join(rootfs, name), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64'])
    symlinkSync(`usr/${name}`, join(rootfs, name));
  return {
    runRoot: join(directory, 'run'),
    rootfs,
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** What runs `args` in a container with namespaces of its own and no cgroup. */
export function request(place: Place, id: string, args: string[], name?: string): LaunchRequest {
  const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
  const kinds = ['pid', 'mount', 'uts', 'ipc', 'network'];
  if (process.geteuid?.() !== 0) kinds.unshift('user');
  const spec = {
    ociVersion: '1.2.0',
    hostname: 'inside',
    root: { path: place.rootfs },
    process: { ...command(args), capabilities: none },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['mode=755'] },
      { destination: '/usr', type: 'bind', source: '/usr', options: ['rbind', 'ro'] },
    ],
    linux: { namespaces: kinds.map((type) => ({ type })) },
  };
  return {
    id,
    ...(name === undefined ? {} : { name }),
    stateRoot: place.runRoot,
    record: { test: true },
    container: { id, spec, cgroup: 'off' },
  };
}

/** The OCI process object for a command run by root of the container. */
export function command(args: string[]): Record<string, unknown> {
  return { args, cwd: '/', env: ['PATH=/usr/bin:/bin'], user: { uid: 0, gid: 0 } };
}

/** Streams whose output can be read: stdout and stderr in one promise each. */
export function pipes(client: Client): {
  handle: number;
  stdout: Promise<string>;
  stderr: Promise<string>;
} {
  const { handle, stdout, stderr } = client.openStdio({
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const read = (fd: number): Promise<string> =>
    text(new Socket({ fd, readable: true, writable: false }));
  return { handle, stdout: read(stdout), stderr: read(stderr) };
}

/** Asks until the answer is yes. */
export async function eventually(question: () => boolean, timeoutMs = 3000): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!question()) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
