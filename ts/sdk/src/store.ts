/** The image store of an engine, and who uses what of it. */

import { openStore, type Store } from '@ctr-ts/image';
import type { Core } from './core.ts';
import type { Directories } from './paths.ts';

const stores = new Map<string, Promise<Store>>();

/** Opened once per process: a launch needs no further look at its directories. */
export function storeOf({ dataRoot }: Directories, core: Core): Promise<Store> {
  const known = stores.get(dataRoot);
  if (known !== undefined) return known;
  const store = openStore(dataRoot, (path) => core.removeTree(path));
  stores.set(dataRoot, store);
  store.catch(() => stores.delete(dataRoot));
  return store;
}

/** Directories that containers on record, running or not, have as lower layers. */
export function layersInUse({ runRoot }: Directories, core: Core): Set<string> {
  return new Set(core.listStates(runRoot).flatMap(({ request }) => lowerLayers(request)));
}

/** Of a stored request, which another version may have written. */
function lowerLayers(request: unknown): string[] {
  const container = request as { root?: { source?: { lower?: unknown } } } | null;
  const lower = container?.root?.source?.lower;
  return Array.isArray(lower) ? lower.filter((path) => typeof path === 'string') : [];
}
