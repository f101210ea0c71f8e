/**
 * Which run roots the containers on a store may have their records in. A user has one data root
 * and, from session to session, several run roots (`XDG_RUNTIME_DIR` is set in one, not in the
 * other): who removes something from the store asks the records of all of them.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { failedWith, fileError } from '../file-error.ts';
import type { Store } from '../store.ts';
import { namesIn } from './lease.ts';

const DIRECTORY = 'run-roots';
const marked = new Set<string>();

/**
 * Writes a run root into the store. To be called before a container that uses the store is
 * launched; after the first call it costs a process nothing.
 *
 * @throws CtrError `STORE_READ_ONLY`, `DISK_FULL`, `IO_ERROR`
 */
export function markRunRoot({ dataRoot }: Store, runRoot: string): void {
  const name = createHash('sha256').update(runRoot).digest('hex').slice(0, 32);
  const directory = join(dataRoot, DIRECTORY);
  const path = join(directory, name);
  if (marked.has(path)) return;
  try {
    if (statusOf(path) === undefined) write(directory, name, runRoot);
  } catch (cause) {
    throw fileError('write', path, cause);
  }
  marked.add(path);
}

/**
 * The run roots that were marked, as far as they are there: one that is gone (`/run` is empty after
 * a reboot) has no records any more.
 *
 * @throws CtrError `IO_ERROR`, `PERMISSION_DENIED` where it cannot be known
 */
export async function markedRunRoots({ dataRoot }: Store): Promise<string[]> {
  const directory = join(dataRoot, DIRECTORY);
  const names = (await namesIn(directory)).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) => {
    const path = join(directory, name);
    try {
      const root = readFileSync(path, 'utf8');
      return mayHoldRecords(root, lstatSync(path).uid) ? [root] : [];
    } catch (cause) {
      throw fileError('read', path, cause);
    }
  });
}

/**
 * SECURITY: anybody can make a directory in /tmp that has the name of a run root. One that belongs
 * to another user than its mark holds no records, for no launch takes it: so nobody else can show
 * the owner of the store false records, or keep him from removing anything.
 */
function mayHoldRecords(root: string, owner: number): boolean {
  return statusOf(root)?.uid === owner;
}

function statusOf(path: string): { uid: number } | undefined {
  try {
    return lstatSync(path);
  } catch (cause) {
    if (failedWith(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw cause;
  }
}

/** Durable: records in /tmp can outlive a crash, and so do the files of kept containers. */
function write(directory: string, name: string, content: string): void {
  try {
    mkdirSync(directory, 0o700);
  } catch (cause) {
    if (!failedWith(cause, 'EEXIST')) throw cause;
  }
  const draft = join(directory, `.${name}-${process.pid}`);
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, join(directory, name));
  syncDirectory(directory);
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
