/**
 * The store: directories that are either complete or not there. Work happens in a staging directory
 * and is published by one rename; a kill at any instant leaves a store that works.
 */

import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError } from './file-error.ts';

/** Removes a tree whose files may belong to any id that the caller's containers map. */
export type RemoveTree = (path: string) => Promise<void>;

/** A store below its data root. */
export interface Store {
  dataRoot: string;
  removeTree: RemoveTree;
}

/** Makes the data root if need be. */
export async function openStore(dataRoot: string, removeTree: RemoveTree): Promise<Store> {
  try {
    await mkdir(dataRoot, { recursive: true, mode: 0o711 });
  } catch (cause) {
    throw fileError('make', dataRoot, cause);
  }
  return { dataRoot, removeTree };
}

/**
 * Makes `path` by filling a staging directory and renaming it; who comes second finds the first
 * one's and discards its own.
 */
export async function publish(
  store: Store,
  path: string,
  fill: (staging: string) => Promise<void>,
): Promise<void> {
  const staging = join(store.dataRoot, 'staging', await stagingName());
  try {
    await mkdir(staging, { recursive: true, mode: 0o700 });
    await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  } catch (cause) {
    throw fileError('make', staging, cause);
  }
  try {
    await fill(staging);
    await chmod(staging, 0o711);
    await sync(staging);
    await rename(staging, path);
    await sync(dirname(path));
  } catch (cause) {
    await store.removeTree(staging).catch(() => {});
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
    throw fileError('write', path, cause);
  }
}

/** Whether a published directory is there. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Removes what dead processes left in staging. Returns their names. */
export async function pruneStaging(store: Store): Promise<string[]> {
  const directory = join(store.dataRoot, 'staging');
  const removed: string[] = [];
  for (const name of await readdir(directory).catch(() => [])) {
    const [pid, started] = name.split('-');
    if (pid !== undefined && started !== undefined && (await startTime(pid)) === started) continue;
    await store.removeTree(join(directory, name));
    removed.push(name);
  }
  return removed;
}

/** Names the process that works there, so that `pruneStaging` knows whether it lives. */
async function stagingName(): Promise<string> {
  const started = (await startTime('self')) ?? '0';
  return `${process.pid}-${started}-${randomBytes(6).toString('hex')}`;
}

/** proc_pid_stat(5), field 22: with the pid it names one process for good. */
async function startTime(pid: string): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
