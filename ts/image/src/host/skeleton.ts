/**
 * The lower layer of `host:`: links into /usr, copies of the allow-listed /etc, empty directories.
 * Made once for a state of /etc and kept in the store until the next boot (its files are not
 * written to the disk one by one, so one from before a crash is not trusted).
 */

import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bootId } from '../boot.ts';
import { digestOf, hexOf } from '../digest.ts';
import { exists, publish, type Store } from '../store.ts';
import { copyEtc, fingerprint } from './etc.ts';
import { type HostTree, inspectHost } from './tree.ts';

/** To be raised when what this file makes changes. */
const FORMAT = 2;

/** How long a look at the host is good for: a burst of launches looks once. */
const FRESH_MS = 1000;

/** Directories a program expects, with their modes. */
const DIRECTORIES: readonly (readonly [string, number])[] = [
  ['dev', 0o755],
  ['etc', 0o755],
  ['home', 0o755],
  ['media', 0o755],
  ['mnt', 0o755],
  ['opt', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['run', 0o755],
  ['run/lock', 0o1777],
  ['srv', 0o755],
  ['sys', 0o555],
  ['tmp', 0o1777],
  ['usr', 0o755],
  ['var', 0o755],
  ['var/cache', 0o755],
  ['var/lib', 0o755],
  ['var/log', 0o755],
  ['var/mail', 0o755],
  ['var/spool', 0o755],
  ['var/tmp', 0o1777],
];

const NODE_DIRECTORIES: readonly (readonly [string, number])[] = [
  ['opt/node', 0o755],
  ['opt/node/bin', 0o755],
  ['opt/node/lib', 0o755],
  ['opt/node/lib/node_modules', 0o755],
];

/** Links besides those into /usr. */
const LINKS: readonly (readonly [string, string])[] = [
  ['var/run', '/run'],
  ['var/lock', '/run/lock'],
  ['etc/mtab', '/proc/self/mounts'],
];

const NPM_LINKS: readonly (readonly [string, string])[] = [
  ['opt/node/bin/npm', '../lib/node_modules/npm/bin/npm-cli.js'],
  ['opt/node/bin/npx', '../lib/node_modules/npm/bin/npx-cli.js'],
];

/** Of /etc, ours: the host's would tell its name and network, which the container does not have. */
const FILES: readonly (readonly [string, string])[] = [
  ['etc/hosts', '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n'],
  ['etc/hostname', 'localhost\n'],
  ['etc/resolv.conf', ''],
];

/** The host as a `host:` container sees it. */
export interface HostView {
  tree: HostTree;
  /** The lower layer, absolute. */
  lower: string;
}

const seen = new Map<string, { view: HostView; at: number }>();

/**
 * The host's view for a container, its lower layer made if it is not in the store.
 *
 * @throws CtrError as `inspectHost` and `publish`
 */
export async function openHost(store: Store, showNode: boolean): Promise<HostView> {
  const key = `${showNode} ${store.dataRoot}`;
  const known = seen.get(key);
  if (known !== undefined && performance.now() - known.at < FRESH_MS) {
    if (await exists(known.view.lower)) return known.view;
  }
  const at = performance.now();
  const tree = inspectHost(showNode);
  const boot = await bootId();
  // Where Node and npm are on the host is the mounts' affair, not the skeleton's.
  const { links, unmerged, node } = tree;
  const shown = [FORMAT, links, unmerged, node !== undefined, node?.npm !== undefined];
  const state = hexOf(digestOf(JSON.stringify([...shown, fingerprint('/etc')])));
  const path = join(store.dataRoot, 'host', `${boot}-${state.slice(0, 32)}`);
  await publish(store, path, (staging) => build(join(staging, 'rootfs'), tree));
  const view = { tree, lower: join(path, 'rootfs') };
  seen.set(key, { view, at });
  return view;
}

async function build(rootfs: string, { links, unmerged, node }: HostTree): Promise<void> {
  await makeDirectory(rootfs, 0o755);
  const directories = node === undefined ? DIRECTORIES : [...DIRECTORIES, ...NODE_DIRECTORIES];
  for (const [name, mode] of directories) await makeDirectory(join(rootfs, name), mode);
  for (const name of unmerged) await makeDirectory(join(rootfs, name), 0o755);
  const npmLinks = node?.npm === undefined ? [] : NPM_LINKS;
  for (const [name, target] of [...links, ...LINKS, ...npmLinks]) {
    await symlink(target, join(rootfs, name));
  }
  await copyEtc('/etc', join(rootfs, 'etc'));
  for (const [name, content] of FILES) {
    await writeFile(join(rootfs, name), content);
    await chmod(join(rootfs, name), 0o644);
  }
}

/** ORDER: mkdir(2) applies the umask, chmod(2) does not. */
async function makeDirectory(path: string, mode: number): Promise<void> {
  await mkdir(path);
  await chmod(path, mode);
}
