/** Removing from the store what nobody uses, beside processes that pull and launch. */

import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failedWith, fileError } from '../file-error.ts';
import { LAYER_KINDS, layersPath } from '../oci/unpack.ts';
import { makeDirectories, type Store, stagingPath, sync } from '../store.ts';
import { leasedPaths, namesIn, whileRemoving } from './lease.ts';
import { pathsOf, readAllRecords } from './refs.ts';

/**
 * Layers that containers run on: directories of the store, or chain ids. A set counts as it was
 * when the caller looked; a function is asked while the removal is announced, so that a container
 * started meanwhile counts too.
 */
export type LayersInUse = ReadonlySet<string> | (() => Promise<ReadonlySet<string>>);

/**
 * Removes those of `candidates` (paths below the data root) that no record, no lease and no
 * container uses. Returns what was removed.
 */
export async function collect(
  store: Store,
  candidates: Iterable<string>,
  layersInUse: LayersInUse,
): Promise<string[]> {
  // Most are in use, and nobody need wait for those.
  const before = await usedPaths(store, layersInUse);
  const unused = [...new Set(candidates)].filter((path) => !before(path));
  if (unused.length === 0) return [];
  const trash = await stagingPath(store);
  try {
    await makeDirectories(trash);
    return await whileRemoving(store, unused, async (stillHolds) => {
      const isUsed = await usedPaths(store, layersInUse);
      if (!(await stillHolds())) return [];
      return moveAway(
        store,
        unused.filter((path) => !isUsed(path)),
        trash,
      );
    });
  } catch (cause) {
    throw fileError('remove', trash, cause);
  } finally {
    // What cannot be removed now is found by `pruneStaging`.
    await store.removeTree(trash).catch(() => {});
  }
}

/** What `pruneUnused` removed. */
export interface Unused {
  /** Digests. */
  blobs: string[];
  /** Directories below the data root. */
  layers: string[];
}

/**
 * Removes blobs and unpacked layers that nothing uses: killed and failed pulls leave some, and
 * images that were removed while containers ran on them. Layers of an `oci:` layout on which no
 * container runs are among them, for no record is kept of those; the next container unpacks them
 * again.
 *
 * @throws CtrError `STORE_DAMAGED`, `IO_ERROR` where it is not known what is used
 */
export async function pruneUnused(store: Store, layersInUse: LayersInUse): Promise<Unused> {
  const candidates = [...(await blobNames(store)), ...(await layerNames(store))];
  const collected = await collect(store, candidates, layersInUse);
  return {
    blobs: collected
      .filter((path) => path.startsWith('blobs/'))
      .map((path) => `sha256:${basename(path)}`),
    layers: collected.filter((path) => path.startsWith('layers/')),
  };
}

/** All blobs, for `collect` to remove those that an interrupted pull or removal left. */
export async function blobNames({ dataRoot }: Store): Promise<string[]> {
  const directory = join('blobs', 'sha256');
  return (await namesIn(join(dataRoot, directory))).map((name) => join(directory, name));
}

async function layerNames({ dataRoot }: Store): Promise<string[]> {
  const names = LAYER_KINDS.map(async (kind) => {
    const directory = layersPath(kind);
    return (await namesIn(join(dataRoot, directory))).map((name) => join(directory, name));
  });
  return (await Promise.all(names)).flat();
}

async function usedPaths(
  store: Store,
  layersInUse: LayersInUse,
): Promise<(path: string) => boolean> {
  // ORDER: leases first. Their holders write records, of images and of containers, and only then
  // release them.
  const leased = await leasedPaths(store);
  const recorded = new Set((await readAllRecords(store)).flatMap(pathsOf));
  const containers = chainsOf(
    typeof layersInUse === 'function' ? await layersInUse() : layersInUse,
  );
  return (path) =>
    leased.has(path) ||
    recorded.has(path) ||
    (path.startsWith('layers/') && containers.has(basename(path)));
}

/** The hexadecimal part, whether it was given as a chain id or as a directory of the store. */
function chainsOf(layersInUse: ReadonlySet<string>): ReadonlySet<string> {
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

function staged(path: string): string {
  return path.replaceAll('/', '_');
}
