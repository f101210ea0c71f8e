/** Removing what nobody can need any more: work of dead processes, skeletons of earlier boots. */

import { join } from 'node:path';
import { bootId, isGone } from './boot.ts';
import { namesIn, pruneRemovals } from './store/lease.ts';
import type { Store } from './store.ts';

/** Removes what dead processes left in staging. Returns the names. */
export async function pruneStaging(store: Store): Promise<string[]> {
  await pruneRemovals(store);
  return prune(store, 'staging', isGone);
}

/**
 * Removes the lower layers that `host:` containers of earlier boots ran on: none of them runs now.
 * Returns the names.
 */
export async function pruneSkeletons(store: Store): Promise<string[]> {
  const boot = await bootId();
  return prune(store, 'host', async (name) => !name.startsWith(`${boot}-`));
}

/**
 * Removes writable layers of containers that are gone. `live` gives the identifiers that have a
 * record; it is called after the layers were listed, so that a container made meanwhile is in it.
 * Returns the identifiers.
 */
export async function pruneWritableLayers(
  store: Store,
  live: () => Promise<Iterable<string>> | Iterable<string>,
): Promise<string[]> {
  const found = await namesIn(join(store.dataRoot, 'containers'));
  const kept = new Set(await live());
  return prune(store, 'containers', async (name) => found.includes(name) && !kept.has(name));
}

async function prune(
  store: Store,
  directory: string,
  isDead: (name: string) => Promise<boolean>,
): Promise<string[]> {
  const path = join(store.dataRoot, directory);
  const removed: string[] = [];
  for (const name of await namesIn(path)) {
    if (!(await isDead(name))) continue;
    await store.removeTree(join(path, name));
    removed.push(name);
  }
  return removed;
}
