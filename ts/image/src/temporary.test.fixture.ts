/** A directory of its own for each test, and a store in it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type Store } from './store.ts';

/** An empty directory, removed after the test. */
export async function temporary(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'ctr-image-'));
  onTestFinished(() => remove(path));
  return path;
}

/** A store in a new directory. Its files are ours, so no native core is needed to remove them. */
export async function temporaryStore(): Promise<Store> {
  return openStore(join(await temporary(), 'data'), remove);
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}
