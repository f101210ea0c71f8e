/** Images in the store: finding one, listing all. */

import type { Digest } from '../digest.ts';
import { hostPlatform, type Platform, runsOn } from '../platform.ts';
import {
  formatReference,
  parseRegistryReference,
  type RegistryReference,
} from '../registry-reference.ts';
import type { Store } from '../store.ts';
import { hasBlob } from './blobs.ts';
import { type ImageRecord, readRecord, readRecords, recordName } from './refs.ts';

/** An image in the store. */
export interface StoredImage {
  /** Canonical names of it: `docker.io/library/alpine:latest`. None when newer images took them. */
  references: string[];
  /** Digest of what the reference named: an index or a manifest. */
  digest: Digest;
  manifest: Digest;
  /** Also the image's identifier. */
  config: Digest;
  platform: Platform;
  /** What the image says, RFC 3339. */
  createdAt: string | undefined;
  /** Compressed layers and documents. */
  sizeBytes: number;
  /** Milliseconds since 1970. */
  pulledAt: number;
  /** What it consists of. */
  parts: ImageParts;
}

/** The blobs of an image. */
export type ImageParts = Pick<ImageRecord, 'documents' | 'layers'>;

/**
 * The image a reference names, if it is in the store in full and for this platform (the machine's,
 * if not said). A digest also finds what was pulled from the same repository by tag.
 * `references` of the answer has one element.
 */
export async function findImage(
  store: Store,
  reference: RegistryReference,
  platform?: Platform,
): Promise<StoredImage | undefined> {
  const record = await findRecord(store, reference, platform);
  return record === undefined ? undefined : storedImage([record]);
}

/** All images, the newest first. */
export async function listImages(store: Store): Promise<StoredImage[]> {
  const groups = groupRecords(await readRecords(store));
  return groups.map(storedImage).sort((a, b) => b.pulledAt - a.pulledAt);
}

async function findRecord(
  store: Store,
  reference: RegistryReference,
  platform: Platform = hostPlatform(),
): Promise<ImageRecord | undefined> {
  const exact = await readRecord(store, recordName(reference));
  const candidates = exact === undefined ? await sameContent(store, reference) : [exact];
  for (const record of candidates) {
    if (runsOn(record.platform, platform) && (await isComplete(store, record))) return record;
  }
  return undefined;
}

/** Records of the same repository whose tag named this digest when it was pulled. */
export async function sameContent(
  store: Store,
  { registry, repository, digest }: RegistryReference,
): Promise<ImageRecord[]> {
  if (digest === undefined) return [];
  const name = formatReference({ transport: 'registry', registry, repository });
  const records = await readRecords(store);
  return records.filter(
    (record) =>
      (record.digest === digest || record.manifest === digest) &&
      record.reference !== undefined &&
      repositoryOf(record.reference) === name,
  );
}

/** The records of each image, by its manifest. */
export function groupRecords(records: readonly ImageRecord[]): ImageRecord[][] {
  return [...Map.groupBy(records, ({ manifest }) => manifest).values()];
}

/** Whether every blob is there: what a kill in the middle of a removal took away is pulled again. */
export async function isComplete(
  store: Store,
  { documents, layers }: ImageParts,
): Promise<boolean> {
  const checks = [...documents, ...layers].map((blob) => hasBlob(store, blob));
  return (await Promise.all(checks)).every(Boolean);
}

export function storedImage(records: readonly ImageRecord[]): StoredImage {
  const newest = records.toSorted((a, b) => b.pulledAt - a.pulledAt)[0] as ImageRecord;
  const { digest, manifest, config, platform, createdAt, pulledAt, documents, layers } = newest;
  const sizes = new Map([...documents, ...layers].map((blob) => [blob.digest, blob.size]));
  return {
    references: records.flatMap(({ reference }) => reference ?? []).sort(),
    digest,
    manifest,
    config,
    platform,
    createdAt,
    sizeBytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
    pulledAt,
    parts: { documents, layers },
  };
}

function repositoryOf(reference: string): string {
  const { registry, repository } = parseRegistryReference(reference);
  return formatReference({ transport: 'registry', registry, repository });
}
