/**
 * Records of pulled images in `refs/`, replaced by rename: one per image, under the digest of its
 * manifest, and one per reference. An image is in the store while a record names it, and all that
 * it uses is written in the record. An image whose last reference moved on to a newer one keeps its
 * own record until it is removed: containers may run on it.
 */

import { createHash } from 'node:crypto';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { type Digest, parseDigest } from '../digest.ts';
import { failedWith, fileError } from '../file-error.ts';
import { platformOf } from '../oci/config.ts';
import { Json } from '../oci/json.ts';
import { chainIds, LAYER_KINDS, layerPath } from '../oci/unpack.ts';
import type { Platform } from '../platform.ts';
import { formatReference, type RegistryReference } from '../registry-reference.ts';
import { makeDirectories, type Store, stagingPath, sync } from '../store.ts';
import { blobName } from './blobs.ts';
import { namesIn } from './lease.ts';

/** What a reference names, by its record. */
export interface ImageRecord {
  /** Canonical; `undefined` in the record that each image has of its own. */
  reference: string | undefined;
  /** Of what the reference named: an index or a manifest. */
  digest: Digest;
  manifest: Digest;
  config: Digest;
  platform: Platform;
  createdAt: string | undefined;
  pulledAt: number;
  /** Indexes, manifest and config. */
  documents: { digest: Digest; size: number }[];
  /** Lowest first. */
  layers: { digest: Digest; size: number; diffId: Digest }[];
}

const DIRECTORY = 'refs';

/** The name a record is kept under: what the reference stands for, so a digest without its tag. */
export function recordName(reference: RegistryReference): string {
  const { tag: _, ...untagged } = reference;
  return formatReference(reference.digest === undefined ? reference : untagged);
}

/** All paths of the store that an image may use, unpacked for whatever kind of container. */
export function pathsOf({ documents, layers }: Pick<ImageRecord, 'documents' | 'layers'>) {
  const chains = chainIds(layers);
  return [
    ...[...documents, ...layers].map(({ digest }) => blobName(digest)),
    ...LAYER_KINDS.flatMap((kind) => chains.map((chain) => layerPath(kind, chain))),
  ];
}

/** The record of a reference. One that nobody can read is none: its image is pulled again. */
export async function readRecord(store: Store, name: string): Promise<ImageRecord | undefined> {
  return readRecordFile(join(store.dataRoot, DIRECTORY, fileName(name)));
}

export async function readRecords({ dataRoot }: Store): Promise<ImageRecord[]> {
  const directory = join(dataRoot, DIRECTORY);
  const names = (await namesIn(directory)).filter((name) => name.endsWith('.json'));
  const records = await Promise.all(names.map((name) => readRecordFile(join(directory, name))));
  return records.filter((record) => record !== undefined);
}

/**
 * As `readRecords`, for who removes what no record names: one that cannot be read may name anything.
 *
 * @throws CtrError `STORE_DAMAGED`
 */
export async function readAllRecords({ dataRoot }: Store): Promise<ImageRecord[]> {
  const directory = join(dataRoot, DIRECTORY);
  const names = (await namesIn(directory)).filter((name) => name.endsWith('.json'));
  const read = async (name: string): Promise<ImageRecord[]> => {
    const path = join(directory, name);
    const text = await textOf(path);
    // Removed since we listed it.
    if (text === undefined) return [];
    const record = parseText(text, path);
    if (record === undefined) throw unreadable(path);
    return [record];
  };
  return (await Promise.all(names.map(read))).flat();
}

function unreadable(path: string): CtrError {
  return new CtrError('STORE_DAMAGED', `read ${path}: it is no record of an image`, {
    hint: 'nothing was removed: another version of ctr-ts may have written it; use that one, or delete the file and pull its image again',
  });
}

/**
 * Records an image, and its reference. What the reference named before stays in the store by the
 * record of its own.
 */
export async function writeRecord(store: Store, record: ImageRecord): Promise<void> {
  const own = { ...record, reference: undefined };
  const isNew = (await readRecord(store, nameOf(own))) === undefined;
  await write(store, own);
  if (record.reference === undefined) return;
  try {
    await write(store, record);
  } catch (error) {
    // The first failure is the one to report.
    if (isNew) await removeRecord(store, own).catch(() => {});
    throw error;
  }
}

/**
 * Removes a record, if it still names this manifest: a pull at the same time may have moved the
 * reference on. Whether it did.
 */
export async function removeRecord(
  store: Store,
  record: Pick<ImageRecord, 'reference' | 'manifest'>,
): Promise<boolean> {
  const directory = join(store.dataRoot, DIRECTORY);
  const path = join(directory, fileName(nameOf(record)));
  const isMeant = async (file: string) =>
    (await readRecordFile(file))?.manifest === record.manifest;
  if (!(await isMeant(path))) return false;
  const staging = await stagingPath(store);
  const taken = join(staging, 'record.json');
  try {
    await makeDirectories(staging);
    await rename(path, taken);
    // Replaced between the look and the rename: back to its place, unless a newer one is there.
    const isRight = await isMeant(taken);
    if (!isRight) {
      await link(taken, path).catch((cause: unknown) => {
        if (!failedWith(cause, 'EEXIST')) throw cause;
      });
    }
    await sync(directory);
    return isRight;
  } catch (cause) {
    if (failedWith(cause, 'ENOENT')) return false;
    throw fileError('remove', path, cause);
  } finally {
    // What cannot be removed now is found by `pruneStaging`.
    await rm(staging, { recursive: true, force: true }).catch(() => {});
  }
}

function nameOf({ reference, manifest }: Pick<ImageRecord, 'reference' | 'manifest'>): string {
  return reference ?? `@${manifest}`;
}

/** A reference can be longer than a file name. */
function fileName(name: string): string {
  return `${createHash('sha256').update(name).digest('hex')}.json`;
}

async function write(store: Store, record: ImageRecord): Promise<void> {
  const directory = join(store.dataRoot, DIRECTORY);
  const path = join(directory, fileName(nameOf(record)));
  const staging = await stagingPath(store);
  const staged = join(staging, 'record.json');
  try {
    await makeDirectories(directory);
    await makeDirectories(staging);
    const handle = await open(staged, 'wx', 0o600);
    try {
      await handle.writeFile(JSON.stringify({ version: 1, ...record }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staged, path);
    await sync(directory);
  } catch (cause) {
    throw fileError('write', path, cause);
  } finally {
    // What cannot be removed now is found by `pruneStaging`.
    await rm(staging, { recursive: true, force: true }).catch(() => {});
  }
}

async function readRecordFile(path: string): Promise<ImageRecord | undefined> {
  const text = await textOf(path);
  return text === undefined ? undefined : parseText(text, path);
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((cause: unknown) => {
    if (failedWith(cause, 'ENOENT')) return undefined;
    throw fileError('read', path, cause);
  });
}

function parseText(text: string, path: string): ImageRecord | undefined {
  try {
    return parseRecord(Json.parse(text, path));
  } catch {
    return undefined;
  }
}

function parseRecord(json: Json): ImageRecord | undefined {
  const platform = platformOf(json.field('platform'));
  if (json.field('version').value !== 1 || platform === undefined) return undefined;
  const digest = (field: Json) => parseDigest(field.value, field.path);
  const blob = (item: Json) => ({
    digest: digest(item.field('digest')),
    size: item.field('size').number(),
  });
  return {
    reference: json.field('reference').optionalString(),
    digest: digest(json.field('digest')),
    manifest: digest(json.field('manifest')),
    config: digest(json.field('config')),
    platform,
    createdAt: json.field('createdAt').optionalString(),
    pulledAt: json.field('pulledAt').number(),
    documents: json.field('documents').list().map(blob),
    layers: json
      .field('layers')
      .list()
      .map((item) => ({ ...blob(item), diffId: digest(item.field('diffId')) })),
  };
}
