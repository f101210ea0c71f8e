/**
 * Blobs of the store, laid out as in an OCI image layout (`blobs/sha256/...` with `oci-layout`
 * beside it), so that other tools can read them.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import { fileError } from '../file-error.ts';
import { makeDirectories, type Store, sync } from '../store.ts';

/** Where the store has a blob, below its data root. */
export function blobName(digest: Digest): string {
  return join('blobs', 'sha256', hexOf(digest));
}

/**
 * Whether a blob is there in full. What it holds was verified when it was published; whether that
 * is still so shows when it is used.
 */
export async function hasBlob(
  { dataRoot }: Store,
  { digest, size }: { digest: Digest; size: number },
): Promise<boolean> {
  const found = await stat(join(dataRoot, blobName(digest))).catch(() => undefined);
  return found?.isFile() === true && found.size === size;
}

/** A document as it was published, `undefined` when it is not there or damaged. */
export async function readDocument(
  { dataRoot }: Store,
  { digest }: { digest: Digest },
): Promise<Uint8Array | undefined> {
  const bytes = await readFile(join(dataRoot, blobName(digest))).catch(() => undefined);
  return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined;
}

/** Whether a file has this digest; what cannot be read has none. */
export async function isIntact(path: string, digest: Digest): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
  } catch {
    return false;
  }
  return hash.digest('hex') === hexOf(digest);
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
