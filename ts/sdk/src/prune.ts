/** Removes what ended containers and dead processes left behind. */

import { join } from 'node:path';
import {
  openStore,
  pruneSkeletons,
  pruneStaging,
  pruneUnused,
  pruneWritableLayers,
} from '@ctr-ts/image';
import { openCore } from './core.ts';
import type { EngineOptions } from './options.ts';
import { directories } from './paths.ts';
import { readRecord } from './record.ts';
import { storeUse } from './store.ts';

/** What was removed. JSON-safe. */
export interface PruneReport {
  containers: { id: string; name: string | null }[];
  names: string[];
  sockets: string[];
  cgroups: string[];
  /** Writable layers. */
  layers: string[];
  /** Unfinished work in the image store, and what `host:` containers of earlier boots ran on. */
  staging: string[];
  /** What interrupted pulls downloaded and no image of the store uses. */
  blobs: string[];
  /**
   * Directories of unpacked layers that neither an image of the store nor a container uses: of
   * images removed while containers ran on them, and of `oci:` layouts (unpacked again when needed).
   */
  unpacked: string[];
}

/**
 * Prunes the records and writable layers of containers without an owner, and what is left over in
 * the store; images stay. Records in run roots of other sessions are not touched, and count.
 */
export async function prune(engine?: EngineOptions): Promise<PruneReport> {
  const paths = directories(engine);
  const core = openCore(paths);
  const { containers, names, sockets, cgroups } = await core.prune(paths.runRoot);
  const layers = containers.flatMap(({ record }) => readRecord(record)?.writableLayer ?? []);
  for (const layer of layers) await core.removeTree(layer);
  const store = await openStore(paths.dataRoot, (path) => core.removeTree(path));
  // Layers whose record went before them: their owner was killed between the two.
  const lost = await pruneWritableLayers(
    store,
    async () => (await storeUse(paths, core)).containers,
  );
  const staging = [...(await pruneStaging(store)), ...(await pruneSkeletons(store))];
  const unused = await pruneUnused(store, async () => (await storeUse(paths, core)).layers);
  return {
    containers: containers.map(({ id, name }) => ({ id, name })),
    names,
    sockets,
    cgroups,
    layers: [...layers, ...lost.map((id) => join(paths.dataRoot, 'containers', id))],
    staging,
    blobs: unused.blobs,
    unpacked: unused.layers.map((path) => join(paths.dataRoot, path)),
  };
}
