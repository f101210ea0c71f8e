/**
 * Blobs of the store, laid out as in an OCI image layout (`blobs/sha256/...` with `oci-layout`
 * beside it), so that other tools can read them.
 */

import { open, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, hexOf } from '../digest.ts';
import { fileError } from '../file-error.ts';
import { makeDirectories, type Store, sync } from '../store.ts';

/** Where the store has a blob, below its data root. */
export function blobName(digest: Digest): string {
  return join('blobs', 'sha256', hexOf(digest));
}

/** Whether a blob is there in full. What it holds was verified when it was published. */
export async function hasBlob(
  { dataRoot }: Store,
  { digest, size }: { digest: Digest; size: number },
): Promise<boolean> {
  const found = await stat(join(dataRoot, blobName(digest))).catch(() => undefined);
  return found?.isFile() === true && found.size === size;
}

/**
 * Publishes a verified file of staging as a blob. Of two processes the second replaces what the
 * first published with the same bytes.
 */
export async function publishBlob(store: Store, staged: string, digest: Digest): Promise<void> {
  const path = join(store.dataRoot, blobName(digest));
  try {
    await makeDirectories(dirname(path));
    await markLayout(store);
    await syncFile(staged);
    await rename(staged, path);
    await sync(dirname(path));
  } catch (cause) {
    throw fileError('write', path, cause);
  }
}

async function markLayout({ dataRoot }: Store): Promise<void> {
  const path = join(dataRoot, 'oci-layout');
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  await writeFile(path, '{"imageLayoutVersion":"1.0.0"}');
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
