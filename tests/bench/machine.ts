/** What all peers run on: one root file system, and a bundle of it for OCI runtimes. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';

/** Absolute path of a program on PATH or in the system folders. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** A root file system of one static busybox. */
export function makeRootfs(directory: string): string {
  const rootfs = join(directory, 'rootfs');
  const busybox = findProgram('busybox');
  if (busybox === undefined) throw new Error('busybox is not installed (package busybox-static)');
  for (const folder of ['bin', 'dev', 'etc', 'proc', 'root', 'sys', 'tmp']) {
    mkdirSync(join(rootfs, folder), { recursive: true });
  }
  copyFileSync(busybox, join(rootfs, 'bin/busybox'));
  for (const name of ['sh', 'sleep', 'true']) symlinkSync('busybox', join(rootfs, 'bin', name));
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  return rootfs;
}

/** runc's own default configuration with our root and command, and no terminal. */
export function makeBundle(runc: string, directory: string, rootfs: string): string {
  const bundle = join(directory, 'bundle');
  mkdirSync(bundle);
  execFileSync(runc, ['spec', '--bundle', bundle]);
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
  config.root = { path: rootfs, readonly: false };
  config.process.terminal = false;
  config.process.args = ['/bin/true'];
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}
