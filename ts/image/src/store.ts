/**
 * The store: directories that are either complete or not there. Work happens in a staging directory
 * and is published by one rename; a kill at any instant leaves a store that works.
 */

import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { processName } from './boot.ts';
import { failedWith, fileError } from './file-error.ts';

/** Removes a tree whose files may belong to any id that the caller's containers map. */
export type RemoveTree = (path: string) => Promise<void>;

/** A store below its data root. */
export interface Store {
  dataRoot: string;
  removeTree: RemoveTree;
}

/**
 * SECURITY: images hold set-user-id programs of any age; nobody but the owner of the store may
 * reach them by path.
 */
const PRIVATE = 0o700;

/** Makes the data root if need be. */
export async function openStore(dataRoot: string, removeTree: RemoveTree): Promise<Store> {
  try {
    await makeDirectories(dataRoot);
  } catch (cause) {
    throw fileError('make', dataRoot, cause);
  }
  return { dataRoot, removeTree };
}

/** What this process is publishing: path -> its end. */
const underway = new Map<string, Promise<void>>();

/**
 * Makes the directory `path` by filling a staging directory and renaming it. Does nothing when it
 * is there. Within a process it is made once at a time; of two processes, who comes second finds
 * the first one's and discards its own.
 *
 * @throws what `fill` throws; CtrError for a failure of the file system
 */
export async function publish(
  store: Store,
  path: string,
  fill: (staging: string) => Promise<void>,
): Promise<void> {
  for (;;) {
    if (await exists(path)) return;
    const other = underway.get(path);
    if (other === undefined) break;
    // Its failure may be its own (an abort): then it is our turn.
    await other.catch(() => {});
  }
  const ours = make(store, path, fill).finally(() => underway.delete(path));
  underway.set(path, ours);
  return ours;
}

async function make(
  store: Store,
  path: string,
  fill: (staging: string) => Promise<void>,
): Promise<void> {
  const staging = await stagingPath(store);
  try {
    await makeDirectories(staging);
    await makeDirectories(dirname(path));
  } catch (cause) {
    throw fileError('make', staging, cause);
  }
  try {
    await fill(staging);
    if (!(await publishDirectory(staging, path))) await store.removeTree(staging).catch(() => {});
  } catch (cause) {
    // What cannot be removed now is found by `prune`; the first failure is the one to report.
    await store.removeTree(staging).catch(() => {});
    throw fileError('write', path, cause);
  }
}

/** Renames a complete directory to where it belongs, unless there is one: then it stays. */
export async function publishDirectory(staging: string, path: string): Promise<boolean> {
  try {
    await makeDirectories(dirname(path));
    await sync(staging);
    await rename(staging, path);
    await sync(dirname(path));
    return true;
  } catch (cause) {
    if (failedWith(cause, 'ENOTEMPTY', 'EEXIST') && (await exists(path))) return false;
    throw fileError('write', path, cause);
  }
}

/** A name in staging that nobody has; `pruneStaging` removes it when this process is gone. */
export async function stagingPath({ dataRoot }: Store): Promise<string> {
  const name = `${await processName()}-${randomBytes(6).toString('hex')}`;
  return join(dataRoot, 'staging', name);
}

/** Whether a published directory is there. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Not Node's `recursive`: that tries for ever where a file system answers ENOENT, as /proc does. */
export async function makeDirectories(path: string): Promise<void> {
  try {
    await mkdir(path, PRIVATE);
  } catch (cause) {
    if (!failedWith(cause, 'ENOENT') || dirname(path) === path) return unlessThere(cause);
    await makeDirectories(dirname(path));
    await mkdir(path, PRIVATE).catch(unlessThere);
  }
}

function unlessThere(cause: unknown): void {
  if (!failedWith(cause, 'EEXIST')) throw cause;
}

/** Has a directory's entries on the disk. */
export async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
