/**
 * Leases and removals: how processes that use the store and processes that remove from it keep out
 * of each other's way, without a lock that a kill could leave behind.
 *
 * Who uses things writes a lease, and looks at the removals then. Who removes things writes down
 * which, and looks at the leases then. So of two at the same time one sees the other, or both:
 *
 * - a remover that sees a lease leaves what it names alone;
 * - a holder that sees a removal waits for its end, which is short, before it looks what is there.
 *
 * Both are files named after their process, and count until that is gone. Nothing else may be
 * assumed about them: they are not on the disk after a crash, when nobody needs them.
 */

import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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

const LEASE = 'lease.json';
const REMOVALS = 'removing';
/** Of another PID namespace nobody knows whether it lives; a removal takes milliseconds. */
const MAX_REMOVAL_MS = 10_000;
const POLL_MS = 2;

/** Holds paths, whether they are there or not. When it returns nobody is removing them. */
export async function takeLease(store: Store, paths: readonly string[]): Promise<Lease> {
  const directory = await stagingPath(store);
  try {
    // Synchronous: a launch waits for it, and a few system calls take less than a turn of the
    // thread pool.
    try {
      mkdirSync(directory, 0o700);
    } catch (cause) {
      if (!failedWith(cause, 'ENOENT')) throw cause;
      await makeDirectories(directory);
    }
    publishFile(directory, LEASE, JSON.stringify(paths));
    // ORDER: the lease before the look at removals.
    await removalsEnd(store, new Set(paths));
  } catch (cause) {
    await release(store, directory);
    throw fileError('write', directory, cause);
  }
  return { directory, release: () => release(store, directory) };
}

/** What processes hold that are not known to be gone. Throws where that cannot be known. */
export async function leasedPaths({ dataRoot }: Store): Promise<StorePaths> {
  const paths = new Set<string>();
  const staging = join(dataRoot, 'staging');
  for (const name of await namesIn(staging)) {
    const text = await textOf(join(staging, name, LEASE));
    if (text === undefined || (await isGone(name))) continue;
    for (const path of pathsIn(text)) paths.add(path);
  }
  return paths;
}

/**
 * Runs `remove` while everybody knows that `paths` are being removed. It must look at the leases
 * first, and is short: others wait for it.
 */
export async function whileRemoving<T>(
  store: Store,
  paths: readonly string[],
  remove: (stillHolds: () => Promise<boolean>) => Promise<T>,
): Promise<T> {
  const directory = join(store.dataRoot, REMOVALS);
  const name = basename(await stagingPath(store));
  const path = join(directory, name);
  try {
    await makeDirectories(directory);
    publishFile(directory, name, JSON.stringify(paths));
  } catch (cause) {
    throw fileError('write', path, cause);
  }
  try {
    return await remove(async () => (await stat(path).catch(() => undefined)) !== undefined);
  } finally {
    await rm(path, { force: true }).catch(() => {});
  }
}

/** Waits until no removal names one of the paths. */
async function removalsEnd({ dataRoot }: Store, paths: StorePaths): Promise<void> {
  const directory = join(dataRoot, REMOVALS);
  for (const name of namesInNow(directory)) {
    const path = join(directory, name);
    const deadline = Date.now() + MAX_REMOVAL_MS;
    while (await names(path, paths)) {
      // Whoever still comes to remove finds that its announcement is gone, and stops.
      if ((await isGone(name)) || Date.now() > deadline) await rm(path, { force: true });
      else await sleep(POLL_MS);
    }
  }
}

/** Removes what killed processes announced and did not carry out. */
export async function pruneRemovals({ dataRoot }: Store): Promise<void> {
  const directory = join(dataRoot, REMOVALS);
  for (const name of await namesIn(directory)) {
    if (await isGone(name)) await rm(join(directory, name), { force: true });
  }
}

async function names(removal: string, paths: StorePaths): Promise<boolean> {
  const text = await textOf(removal);
  return text !== undefined && pathsIn(text).some((path) => paths.has(path));
}

/** `undefined` for a file that is gone, and for no other reason. */
async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    if (failedWith(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw fileError('read', path, cause);
  });
}

/** What is torn was written before a crash of the machine, which its process did not survive. */
function pathsIn(text: string): string[] {
  try {
    return JSON.parse(text) as string[];
  } catch {
    return [];
  }
}

/** What cannot be removed now is found by `pruneStaging`. */
async function release(store: Store, directory: string): Promise<void> {
  try {
    rmSync(join(directory, LEASE), { force: true });
    rmdirSync(directory);
  } catch {
    // A pull's directory holds more, whose owners may be any the launcher maps.
    await store.removeTree(directory).catch(() => {});
  }
}

/** Readers see the file in full, or none. */
function publishFile(directory: string, name: string, content: string): void {
  const path = join(directory, name);
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function namesInNow(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.endsWith('.new'));
  } catch (cause) {
    if (failedWith(cause, 'ENOENT')) return [];
    throw cause;
  }
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
