/** The host trees that a `host:` container sees: /usr, and the calling Node. */

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { HostTree } from './skeleton.ts';

/** A mount of the OCI runtime spec (config.md, "Mounts"). */
export interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

/** Read-only with everything mounted below, and no set-user-id program or device of the host. */
const HOST_TREE = ['rbind', 'rro', 'nosuid', 'nodev', 'rprivate'];

/** Where the calling Node is shown. */
export const NODE_DIRECTORY = '/opt/node';

export function treeMounts(tree: HostTree): OciMount[] {
  return ['usr', ...tree.unmerged].map((name) => bind(`/${name}`, `/${name}`));
}

/** Node's executable and, when they are beside it, npm's directory; nothing else of that place. */
export async function nodeMounts(): Promise<OciMount[]> {
  const executable = process.execPath;
  const mounts = [bind(executable, `${NODE_DIRECTORY}/bin/node`)];
  const npm = join(dirname(dirname(executable)), 'lib/node_modules/npm');
  const entry = await stat(npm).catch(() => undefined);
  if (entry?.isDirectory() === true) mounts.push(bind(npm, `${NODE_DIRECTORY}/lib/node_modules/npm`));
  return mounts;
}

function bind(source: string, destination: string): OciMount {
  return { destination, type: 'none', source, options: [...HOST_TREE] };
}
