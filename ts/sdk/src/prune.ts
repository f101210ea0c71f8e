/** Removes what ended containers and dead processes left behind. */

import { openStore, pruneStaging } from '@ctr-ts/image';
import { openCore } from './core.ts';
import type { EngineOptions } from './options.ts';
import { directories } from './paths.ts';
import { readRecord } from './record.ts';

/** What was removed. JSON-safe. */
export interface PruneReport {
  containers: { id: string; name: string | null }[];
  names: string[];
  sockets: string[];
  cgroups: string[];
  /** Writable layers. */
  layers: string[];
  /** Unfinished work in the image store. */
  staging: string[];
}

/** Prunes the records and writable layers of containers without an owner; images stay. */
export async function prune(engine?: EngineOptions): Promise<PruneReport> {
  const paths = directories(engine);
  const core = openCore(paths);
  const { containers, names, sockets, cgroups } = await core.prune(paths.runRoot);
  const layers = containers.flatMap(({ record }) => readRecord(record)?.writableLayer ?? []);
  for (const layer of layers) await core.removeTree(layer).catch(() => {});
  const store = await openStore(paths.dataRoot, (path) => core.removeTree(path));
  return {
    containers: containers.map(({ id, name }) => ({ id, name })),
    names,
    sockets,
    cgroups,
    layers,
    staging: await pruneStaging(store),
  };
}
