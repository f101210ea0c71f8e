/** The image store of an engine, and who uses what of it. */

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { markedRunRoots, openStore, type Store } from '@ctr-ts/image';
import type { Core, StateEntry } from './core.ts';
import { CtrError } from './errors.ts';
import type { Directories } from './paths.ts';
import { readRecord } from './record.ts';

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

/** What the containers on record use, running or not, in whatever session they were made. */
export interface StoreUse {
  /** Identifiers of the containers: each may have a writable layer. */
  containers: Set<string>;
  /** Directories they have as lower layers. */
  layers: Set<string>;
  /** Digests of the configs of their images. */
  images: Set<string>;
}

/**
 * Looks at the records of all run roots that containers on this store may be in.
 *
 * @throws CtrError `IO_ERROR` and others where that cannot be known: then nothing may be removed
 */
export async function storeUse({ dataRoot, runRoot }: Directories, core: Core): Promise<StoreUse> {
  const store = await storeOf({ dataRoot, runRoot }, core);
  const roots = new Set([runRoot, ...(await markedRunRoots(store))]);
  const entries = [...roots].flatMap((root) => entriesOf(root, core));
  return {
    containers: new Set(entries.map(({ id }) => id)),
    layers: new Set(entries.flatMap(lowerLayers)),
    images: new Set(entries.flatMap(({ record }) => readRecord(record)?.imageId ?? [])),
  };
}

/** All containers of a run root. The core passes over those it cannot open; here that counts. */
function entriesOf(runRoot: string, core: Core): StateEntry[] {
  const directory = join(runRoot, 'containers');
  const ids = unlessAbsent(() => readdirSync(directory)) ?? [];
  const entries = core.listStates(runRoot);
  const listed = new Set(entries.map(({ id }) => id));
  for (const id of ids) {
    // Gone meanwhile it is no container any more.
    if (!listed.has(id) && unlessAbsent(() => lstatSync(join(directory, id))) !== undefined) {
      throw unknownUse(join(directory, id));
    }
  }
  return entries;
}

/** Of a stored request, which another version may have written. */
function lowerLayers({ request, status, directory }: StateEntry): string[] {
  const container = request as {
    root?: { source?: { kind?: unknown; lower?: unknown } | null } | null;
  } | null;
  const source = container?.root?.source;
  if (Array.isArray(source?.lower)) return source.lower.filter((path) => typeof path === 'string');
  // What it runs on is not known. One that is still being made is protected by its maker's lease.
  if (status === 'running' && source?.kind !== 'bind') throw unknownUse(directory);
  return [];
}

function unknownUse(directory: string): CtrError {
  return new CtrError('IO_ERROR', `read ${directory}: it cannot be known what the container uses`, {
    hint: 'nothing was removed; try again, or remove that container first',
  });
}

function unlessAbsent<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CtrError('IO_ERROR', `list containers: ${message}`, { cause });
  }
}
