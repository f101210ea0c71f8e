/**
 * The lower layer of `host:`: links into /usr, copies of the allow-listed /etc, empty directories.
 * Made once for a state of /etc and kept in the store.
 */

import { chmod, copyFile, lstat, mkdir, readdir, readlink, realpath, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { hexOf, digestOf } from '../digest.ts';
import { exists, publish, type Store } from '../store.ts';
import { ALLOWED_ETC } from './allow-list.ts';

/** Changes when what a skeleton is made of changes in this file. */
const FORMAT = 1;

const MAX_DEPTH = 8;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Directories a program expects, with their modes. */
const DIRECTORIES: readonly [string, number][] = [
  ['dev', 0o755], ['etc', 0o755], ['home', 0o755], ['mnt', 0o755], ['opt', 0o755], ['proc', 0o555],
  ['root', 0o700], ['run', 0o755], ['run/lock', 0o1777], ['srv', 0o755], ['sys', 0o555], ['tmp', 0o1777],
  ['usr', 0o755], ['var', 0o755], ['var/cache', 0o755], ['var/lib', 0o755], ['var/log', 0o755],
  ['var/spool', 0o755], ['var/tmp', 0o1777],
];

/** Links besides those into /usr. */
const LINKS: readonly [string, string][] = [
  ['var/run', '/run'],
  ['var/lock', '/run/lock'],
  ['etc/mtab', '/proc/self/mounts'],
];

const HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';

/** Top-level directories that a merged /usr turns into links. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** What the host has to offer, found without copying. */
export interface HostTree {
  /** Links to make: name, target. */
  links: [string, string][];
  /** Directories to bind besides /usr, where /usr is not merged. */
  unmerged: string[];
}

/** @throws CtrError `UNSUPPORTED_ENVIRONMENT` without a /usr */
export async function inspectHost(): Promise<HostTree> {
  const usr = await stat('/usr').catch(() => undefined);
  if (usr?.isDirectory() !== true) {
    throw new CtrError('UNSUPPORTED_ENVIRONMENT', 'open image host:: this machine has no /usr', {
      probe: 'hostTree',
      remedy: 'use rootfs:DIR or oci:DIR[:TAG]',
    });
  }
  const tree: HostTree = { links: [], unmerged: [] };
  for (const name of MERGED) {
    const entry = await lstat(`/${name}`).catch(() => undefined);
    if (entry?.isSymbolicLink() === true) tree.links.push([name, await readlink(`/${name}`)]);
    else if (entry?.isDirectory() === true) tree.unmerged.push(name);
  }
  return tree;
}

/** The skeleton's directory, made if it is not in the store. */
export async function openSkeleton(store: Store, tree: HostTree): Promise<string> {
  const files = await listAllowed();
  const key = hexOf(digestOf(JSON.stringify([FORMAT, tree, files]))).slice(0, 32);
  const path = join(store.dataRoot, 'host', key);
  const rootfs = join(path, 'rootfs');
  if (!(await exists(rootfs))) await publish(store, path, (staging) => build(join(staging, 'rootfs'), tree, files));
  return rootfs;
}

/** A file, link or directory below /etc with what tells that it changed. */
type AllowedFile = { path: string } & (
  | { kind: 'file'; mtimeMs: number; size: number; mode: number }
  | { kind: 'link'; target: string }
  | { kind: 'directory' }
);

async function listAllowed(): Promise<AllowedFile[]> {
  const found: AllowedFile[] = [];
  for (const { path } of ALLOWED_ETC) await list(path, found, 0);
  return found;
}

/** Unreadable files, devices, sockets and large files are left out. */
async function list(path: string, found: AllowedFile[], depth: number): Promise<void> {
  const absolute = join('/etc', path);
  const entry = await lstat(absolute).catch(() => undefined);
  if (entry === undefined || depth > MAX_DEPTH) return;
  if (entry.isSymbolicLink()) {
    const target = await readlink(absolute);
    // A link that stays in what is shown is kept; one that leads elsewhere becomes its file.
    const real = await realpath(absolute).catch(() => undefined);
    if (real === undefined) return;
    if (real.startsWith('/usr/') || real.startsWith(`${dirname(absolute)}/`)) {
      found.push({ path, kind: 'link', target });
      return;
    }
    const file = await stat(real);
    if (file.isFile() && isPublic(file.mode)) found.push({ path, kind: 'file', mtimeMs: file.mtimeMs, size: file.size, mode: 0o644 });
  } else if (entry.isDirectory()) {
    const names = await readdir(absolute).catch(() => []);
    found.push({ path, kind: 'directory' });
    for (const name of names.toSorted()) await list(join(path, name), found, depth + 1);
  } else if (entry.isFile() && isPublic(entry.mode) && entry.size <= MAX_FILE_BYTES) {
    const mode = (entry.mode & 0o111) === 0 ? 0o644 : 0o755;
    found.push({ path, kind: 'file', mtimeMs: entry.mtimeMs, size: entry.size, mode });
  }
}

/** SECURITY: only what every user of the host may read is shown, whoever runs the container. */
function isPublic(mode: number): boolean {
  return (mode & 0o004) !== 0;
}

async function build(rootfs: string, tree: HostTree, files: readonly AllowedFile[]): Promise<void> {
  await mkdir(rootfs);
  for (const [name, mode] of DIRECTORIES) {
    await mkdir(join(rootfs, name));
    await chmod(join(rootfs, name), mode);
  }
  for (const name of tree.unmerged) await mkdir(join(rootfs, name));
  for (const [name, target] of [...tree.links, ...LINKS]) await symlink(target, join(rootfs, name));
  for (const file of files) await copy(join(rootfs, 'etc', file.path), file);
  await writeFile(join(rootfs, 'etc/hosts'), HOSTS);
  await writeFile(join(rootfs, 'etc/resolv.conf'), '');
  await writeFile(join(rootfs, 'etc/hostname'), 'localhost\n');
  await chmod(rootfs, 0o755);
}

async function copy(to: string, file: AllowedFile): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  if (file.kind === 'directory') await mkdir(to, { recursive: true });
  else if (file.kind === 'link') await symlink(file.target, to);
  else {
    await copyFile(join('/etc', file.path), to);
    await chmod(to, file.mode);
  }
}
