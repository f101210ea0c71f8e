/** What of the host a `host:` container sees as it is: /usr, the links into it, the calling Node. */

import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CtrError } from '@ctr-ts/native';

/** What the host has to offer, found without copying. */
export interface HostTree {
  /** Links to make at the top: name, target. */
  links: [string, string][];
  /** Directories to bind besides /usr, where /usr is not merged. */
  unmerged: string[];
  /** The calling Node; absent when it is not to be shown. */
  node?: HostNode;
}

/** Node's executable, and npm where it is installed beside it. */
export interface HostNode {
  executable: string;
  npm?: string;
}

/** Top-level directories that a merged /usr turns into links. */
const MERGED = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** @throws CtrError `UNSUPPORTED_ENVIRONMENT` without a /usr, `FILE_NOT_FOUND` without our Node */
export function inspectHost(showNode: boolean): HostTree {
  if (!isDirectory('/usr')) {
    throw new CtrError('UNSUPPORTED_ENVIRONMENT', 'open image host:: this machine has no /usr', {
      probe: 'hostTree',
      remedy: 'use rootfs:DIR or oci:DIR[:TAG]',
    });
  }
  const tree: HostTree = { links: [], unmerged: [] };
  for (const name of MERGED) {
    const entry = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (entry?.isSymbolicLink() === true) tree.links.push([name, readlinkSync(`/${name}`)]);
    else if (entry?.isDirectory() === true) tree.unmerged.push(name);
  }
  return showNode ? { ...tree, node: callingNode() } : tree;
}

function callingNode(): HostNode {
  const executable = process.execPath;
  if (statSync(executable, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new CtrError('FILE_NOT_FOUND', `show ${executable} in the container: it is gone`, {
      hint: 'start this program again, or leave Node out with `node: false` (--no-node)',
    });
  }
  const npm = join(dirname(dirname(executable)), 'lib/node_modules/npm');
  return isDirectory(npm) ? { executable, npm } : { executable };
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
