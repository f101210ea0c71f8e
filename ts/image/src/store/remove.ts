/** Removing images: a reference, and with the last one what only that image used. */

import { CtrError } from '@ctr-ts/native';
import { type Digest, hexOf } from '../digest.ts';
import { chainIds, LAYER_KINDS, layerPath } from '../oci/unpack.ts';
import {
  familiarName,
  parseRegistryReference,
  type RegistryReference,
} from '../registry-reference.ts';
import type { Store } from '../store.ts';
import { blobNames, collect, type LayersInUse } from './collect.ts';
import { groupRecords, sameContent } from './images.ts';
import {
  type ImageRecord,
  pathsOf,
  readAllRecords,
  readRecord,
  recordName,
  removeRecord,
} from './refs.ts';

export interface RemoveOptions {
  /**
   * Remove an image though it has several references, or containers. The layers containers run on
   * stay until they are gone.
   */
  force?: boolean;
  /** Of existing containers; as a function, to be safe against launches at the same time. */
  layersInUse: LayersInUse;
  /**
   * Identifiers of images that containers were started from. Those are refused without `force`; one
   * that only shares layers with them is not.
   */
  imagesInUse: ReadonlySet<string>;
}

/** What was removed. */
export interface RemovedImages {
  /** Names, as docker shows them. */
  untagged: string[];
  /** Identifiers of images, and chain ids of unpacked layers. */
  deleted: string[];
}

/**
 * Removes references, or images by (the beginning of) their identifiers. Everything is looked up
 * before anything is removed. Layers that stay for a container or a lease are found by `pruneUnused`.
 *
 * @throws CtrError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `IMAGE_IN_USE`, `INVALID_REFERENCE`,
 * `STORE_DAMAGED`
 */
export async function removeImages(
  store: Store,
  names: readonly string[],
  { force = false, layersInUse, imagesInUse }: RemoveOptions,
): Promise<RemovedImages> {
  const records = await readAllRecords(store);
  const chosen = new Map<ImageRecord, string>();
  for (const name of names) {
    for (const record of await choose(store, records, name, force)) chosen.set(record, name);
  }
  const gone = groupRecords(records).filter((group) => isGone(group, chosen));
  for (const group of gone) {
    const name = group.map((record) => chosen.get(record)).find((text) => text !== undefined);
    const [record] = group;
    if (record !== undefined && !force && imagesInUse.has(record.config)) {
      throw inUse(name ?? record.config, 'a container uses it', {
        hint: 'remove the container first: ctr-ts ps -a, ctr-ts rm CONTAINER; or use --force',
      });
    }
  }
  const untagged: string[] = [];
  for (const record of new Set([...chosen.keys(), ...gone.flat()])) {
    const { reference } = record;
    const removed = await removeRecord(store, record);
    if (removed && reference !== undefined) {
      untagged.push(familiarName(parseRegistryReference(reference)));
    }
  }
  const candidates = gone.flatMap(([record]) => (record === undefined ? [] : pathsOf(record)));
  const collected = new Set(
    await collect(store, [...candidates, ...(await blobNames(store))], layersInUse),
  );
  const chains = gone.flatMap(([record]) => chainIds(record?.layers ?? []));
  const isDeleted = (chain: Digest) =>
    LAYER_KINDS.some((kind) => collected.has(layerPath(kind, chain)));
  return {
    untagged,
    deleted: [
      ...new Set([
        ...gone.flatMap(([record]) => record?.config ?? []),
        ...chains.filter(isDeleted).toReversed(),
      ]),
    ],
  };
}

/** Whether an image goes: it was chosen itself, or with its last reference. */
function isGone(group: readonly ImageRecord[], chosen: ReadonlyMap<ImageRecord, string>): boolean {
  const isChosen = (record: ImageRecord) => chosen.has(record);
  return (
    group.some(isChosen) &&
    group.every((record) => record.reference === undefined || isChosen(record))
  );
}

/** The records a name stands for, with their file names found again as they were read. */
async function choose(
  store: Store,
  records: readonly ImageRecord[],
  name: string,
  force: boolean,
): Promise<ImageRecord[]> {
  const reference = referenceOf(name);
  const named = reference === undefined ? [] : await byReference(store, records, reference);
  if (named.length > 0) return named;
  const prefix = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(name)?.[1];
  const matching =
    prefix === undefined ? [] : records.filter(({ config }) => hexOf(config).startsWith(prefix));
  const ids = new Set(matching.map(({ config }) => config));
  if (ids.size > 1) {
    throw new CtrError(
      'IMAGE_AMBIGUOUS',
      `remove image ${name}: ${ids.size} images begin with it`,
      {
        hint: 'write more of the identifier: ctr-ts images',
      },
    );
  }
  if (matching.length === 0) throw notFound(name, reference);
  const references = matching.flatMap(({ reference }) => reference ?? []);
  if (references.length > 1 && !force) {
    throw inUse(name, `${references.length} references name it`, {
      hint: `remove each by its name, or use --force: ${references.join(' ')}`,
    });
  }
  return matching;
}

async function byReference(
  store: Store,
  records: readonly ImageRecord[],
  reference: RegistryReference,
): Promise<ImageRecord[]> {
  const exact = await readRecord(store, recordName(reference));
  const found = exact === undefined ? await sameContent(store, reference) : [exact];
  const wanted = new Set(found.map((record) => record.reference));
  return records.filter((record) => record.reference !== undefined && wanted.has(record.reference));
}

function referenceOf(name: string): RegistryReference | undefined {
  try {
    return parseRegistryReference(name);
  } catch (error) {
    // An identifier in full is no reference.
    if (/^(?:sha256:)?[0-9a-f]{64}$/.test(name)) return undefined;
    throw error;
  }
}

function notFound(name: string, reference: RegistryReference | undefined): CtrError {
  const shown = reference === undefined ? name : familiarName(reference);
  return new CtrError('IMAGE_NOT_FOUND', `remove image ${shown}: it is not in the store`, {
    hint: 'see what there is: ctr-ts images',
  });
}

function inUse(name: string, why: string, { hint }: { hint: string }): CtrError {
  return new CtrError('IMAGE_IN_USE', `remove image ${name}: ${why}`, { hint });
}
