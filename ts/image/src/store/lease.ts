/**
 * Leases: what a process is about to use of the store, written down before it looks whether it is
 * there. Whoever removes things moves them out of the way first and reads the leases then, so of
 * the two one always sees the other, without a lock that a kill could leave behind:
 *
 * - the lease came before the remover's look: the remover puts the thing back;
 * - it came after: the thing was gone by then, and the holder finds it missing and makes it anew.
 *
 * A lease is a file in the staging directory of its process, and counts until it is released or
 * that process is gone. Nothing else may be assumed about it: it is not on the disk after a crash.
 */

import { mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isGone } from '../boot.ts';
import { failedWith, fileError } from '../file-error.ts';
import { makeDirectories, type Store, stagingPath } from '../store.ts';

/** Paths below the data root: `blobs/sha256/...`, `layers/root/sha256/...`. */
export type StorePaths = ReadonlySet<string>;

/** What a process holds. */
export interface Lease {
  /** A directory for the holder's unfinished work. */
  directory: string;
  /** Gives everything up, and removes the directory. */
  release(): Promise<void>;
}

const NAME = 'lease.json';

/** Holds paths, whether they are there or not. */
export async function takeLease(store: Store, paths: Iterable<string>): Promise<Lease> {
  const directory = await stagingPath(store);
  try {
    await makeDirectories(join(store.dataRoot, 'staging'));
    // Synchronous: a launch waits for it, and three system calls take less than a turn of the
    // thread pool.
    mkdirSync(directory, 0o700);
    writeFileSync(join(directory, `${NAME}.new`), JSON.stringify([...paths]));
    renameSync(join(directory, `${NAME}.new`), join(directory, NAME));
  } catch (cause) {
    await store.removeTree(directory).catch(() => {});
    throw fileError('write', directory, cause);
  }
  return { directory, release: () => release(store, directory) };
}

/** What cannot be removed now is found by `pruneStaging`. */
async function release(store: Store, directory: string): Promise<void> {
  try {
    rmSync(join(directory, NAME), { force: true });
    rmdirSync(directory);
  } catch {
    // A pull's directory holds more, whose owners may be any the launcher maps.
    await store.removeTree(directory).catch(() => {});
  }
}

/** What processes hold that are not known to be gone. */
export async function leasedPaths({ dataRoot }: Store): Promise<StorePaths> {
  const paths = new Set<string>();
  const staging = join(dataRoot, 'staging');
  for (const name of await namesIn(staging)) {
    const text = await readFile(join(staging, name, NAME), 'utf8').catch(() => undefined);
    if (text === undefined || (await isGone(name))) continue;
    for (const path of JSON.parse(text) as string[]) paths.add(path);
  }
  return paths;
}

/** The names in a directory of the store, none where it is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    if (failedWith(cause, 'ENOENT')) return [];
    throw fileError('read', directory, cause);
  }
}
