/** The mounts that show the host's trees in a `host:` container. */

import type { HostTree } from './tree.ts';

/** A mount of the OCI runtime spec (config.md, "Mounts"). */
export interface OciMount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

/** Where the calling Node is shown. */
export const NODE_DIRECTORY = '/opt/node';

/** Read-only with everything mounted below, and no set-user-id program or device of the host. */
const SHOWN = ['rbind', 'rro', 'rnosuid', 'rnodev', 'rprivate'];

/** Bind mounts of /usr, of what is not merged into it, and of Node. */
export function hostMounts({ unmerged, node }: HostTree): OciMount[] {
  const mounts = ['usr', ...unmerged].map((name) => bind(`/${name}`, `/${name}`));
  if (node === undefined) return mounts;
  // Nothing else of the directories around them: who knows what lies beside a Node.
  mounts.push(bind(node.executable, `${NODE_DIRECTORY}/bin/node`));
  if (node.npm !== undefined) mounts.push(bind(node.npm, `${NODE_DIRECTORY}/lib/node_modules/npm`));
  return mounts;
}

function bind(source: string, destination: string): OciMount {
  return { destination, type: 'none', source, options: [...SHOWN] };
}
