/** Removing from the store what nobody uses, beside processes that pull and launch. */

import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failedWith, fileError } from '../file-error.ts';
import { makeDirectories, type Store, stagingPath, sync } from '../store.ts';
import { leasedPaths, namesIn } from './lease.ts';
import { pathsOf, readRecords } from './refs.ts';

/** Layers that containers run on: names of their directories, or chain ids. */
export type LayersInUse = ReadonlySet<string> | (() => Promise<ReadonlySet<string>>);

/** What was removed, as paths below the data root. */
export type Collected = string[];

/**
 * Removes those of `candidates` (paths below the data root) that no record, no lease and no
 * container uses.
 */
export async function collect(
  store: Store,
  candidates: Iterable<string>,
  layersInUse: LayersInUse,
): Promise<Collected> {
  const before = await inUse(store, layersInUse);
  const unused = [...new Set(candidates)].filter((path) => !before(path));
  if (unused.length === 0) return [];
  const trash = await stagingPath(store);
  try {
    await makeDirectories(trash);
    const moved = await moveAway(store, unused, trash);
    // ORDER: only now. Who took a lease before this look is seen by it, who comes later finds the
    // things gone (lease.ts).
    const after = await inUse(store, layersInUse);
    for (const path of moved.filter(after)) await putBack(store, trash, path);
    return moved.filter((path) => !after(path));
  } catch (cause) {
    throw fileError('remove', trash, cause);
  } finally {
    await store.removeTree(trash).catch(() => {});
  }
}

/** All blobs, for `collect` to remove those that an interrupted pull or removal left. */
export async function blobNames({ dataRoot }: Store): Promise<string[]> {
  const directory = join('blobs', 'sha256');
  return (await namesIn(join(dataRoot, directory))).map((name) => join(directory, name));
}

async function inUse(store: Store, layersInUse: LayersInUse): Promise<(path: string) => boolean> {
  // ORDER: leases before records: who records releases the lease after that.
  const leased = await leasedPaths(store);
  const recorded = new Set((await readRecords(store)).flatMap(pathsOf));
  const containers = chainsOf(
    typeof layersInUse === 'function' ? await layersInUse() : layersInUse,
  );
  return (path) =>
    leased.has(path) ||
    recorded.has(path) ||
    (path.startsWith('layers/') && containers.has(basename(path)));
}

/** The hexadecimal part, whether it was given as a chain id or as a directory of the store. */
export function chainsOf(layersInUse: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...layersInUse].flatMap((name) => /[0-9a-f]{64}(?![0-9a-f])/.exec(name) ?? []));
}

async function moveAway(store: Store, paths: readonly string[], trash: string): Promise<string[]> {
  const moved: string[] = [];
  for (const path of paths) {
    try {
      await rename(join(store.dataRoot, path), join(trash, staged(path)));
      moved.push(path);
    } catch (cause) {
      if (!failedWith(cause, 'ENOENT')) throw cause;
    }
  }
  for (const directory of new Set(moved.map(dirname))) await sync(join(store.dataRoot, directory));
  return moved;
}

async function putBack(store: Store, trash: string, path: string): Promise<void> {
  try {
    await rename(join(trash, staged(path)), join(store.dataRoot, path));
  } catch (cause) {
    // Whoever wants it has made it anew.
    if (!failedWith(cause, 'EEXIST', 'ENOTEMPTY')) throw cause;
  }
}

function staged(path: string): string {
  return path.replaceAll('/', '_');
}
