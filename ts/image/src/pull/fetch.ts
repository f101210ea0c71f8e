/** Getting what the store does not have of an image: into staging, and when all is right, published. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, hexOf } from '../digest.ts';
import { fileError } from '../file-error.ts';
import type { ResolvedImage } from '../oci/image.ts';
import { chainIds, layerDirectory, layerKind, layerPath, unpackLayer } from '../oci/unpack.ts';
import type { Repository } from '../registry/client.ts';
import { blobName, isIntact, publishBlob, readDocument } from '../store/blobs.ts';
import { collect } from '../store/collect.ts';
import { takeLease } from '../store/lease.ts';
import { type ImageRecord, pathsOf, writeRecord } from '../store/refs.ts';
import { exists, publishDirectory } from '../store.ts';
import { Downloads } from './downloads.ts';
import type { PullOptions } from './pull.ts';

interface FetchOptions extends PullOptions {
  repository: Repository;
}

/** What is in staging, verified. */
interface Staged {
  /** Digest -> file. */
  blobs: Map<Digest, string>;
  /** Path below the data root -> directory. */
  layers: Map<string, string>;
}

/**
 * Fetches what is missing and records the image. Whether nothing was missing.
 */
export async function fetchImage(
  record: ImageRecord,
  resolved: ResolvedImage,
  options: FetchOptions,
): Promise<boolean> {
  const { store } = options;
  // ORDER: the lease before the look what is there (lease.ts).
  const lease = await takeLease(store, pathsOf(record));
  const published: string[] = [];
  try {
    const staged = await stage(resolved, lease.directory, options);
    for (const [digest, file] of staged.blobs) {
      await publishBlob(store, file, digest);
      published.push(blobName(digest));
    }
    for (const [path, directory] of staged.layers) {
      if (await publishDirectory(directory, join(store.dataRoot, path))) published.push(path);
    }
    options.signal?.throwIfAborted();
    await writeRecord(store, record);
    await lease.release();
    return staged.blobs.size === 0 && staged.layers.size === 0;
  } catch (error) {
    await lease.release();
    // The first failure is the one to report; what stays is found by `pruneUnused`. Layers stay
    // where nobody says on which there are containers: one may have started on ours meanwhile.
    const { layersInUse } = options;
    const taken = layersInUse === undefined ? published.filter(isBlob) : published;
    await collect(store, taken, layersInUse ?? new Set()).catch(() => {});
    throw error;
  }
}

function isBlob(path: string): boolean {
  return path.startsWith('blobs/');
}

/** Downloads and unpacks into a directory; what is unpacked need not wait for the last download. */
async function stage(
  resolved: ResolvedImage,
  directory: string,
  options: FetchOptions,
): Promise<Staged> {
  const { store, repository, applyLayer, rootless, singleId, signal, onEvent } = options;
  const maps = { userxattr: rootless, squashOwner: singleId };
  const blobs = new Map<Digest, string>();
  const layers = new Map<string, string>();
  for (const { descriptor, bytes } of resolved.documents) {
    if ((await readDocument(store, descriptor)) !== undefined) continue;
    const file = join(directory, hexOf(descriptor.digest));
    await writeFile(file, bytes, { mode: 0o600 }).catch((cause: unknown) => {
      throw fileError('write', file, cause);
    });
    blobs.set(descriptor.digest, file);
  }
  const downloads = new Downloads(resolved.layers, {
    store,
    repository,
    directory,
    signal,
    onEvent,
  });
  try {
    const chains = chainIds(resolved.layers);
    // ORDER: from the lowest up: a layer is unpacked on top of what is unpacked.
    const lowers: string[] = [];
    for (const [index, layer] of resolved.layers.entries()) {
      const file = await downloads.file(layer);
      signal?.throwIfAborted();
      const path = layerPath(layerKind(maps), chains[index] as Digest);
      const { digest, size } = layer;
      if (!(await exists(join(store.dataRoot, path))) && !layers.has(path)) {
        onEvent?.({ type: 'layer', digest, state: 'unpacking', bytes: size, size });
        const unpackTo = async (name: string, blob: string): Promise<void> => {
          const staging = join(directory, name);
          await mkdir(staging, 0o700).catch((cause: unknown) => {
            throw fileError('make', staging, cause);
          });
          await unpackLayer({ ...layer, path: blob }, staging, { applyLayer, lowers, ...maps });
          layers.set(path, staging);
        };
        try {
          await unpackTo(`layer-${index}`, file);
        } catch (cause) {
          // A blob of the store may have been damaged since: the registry has it as it should be.
          if (downloads.fetched.has(digest) || (await isIntact(file, digest))) throw cause;
          await unpackTo(`layer-${index}-again`, await downloads.again(layer));
        }
      }
      lowers.unshift(layerDirectory(layers.get(path) ?? join(store.dataRoot, path)));
      onEvent?.({ type: 'layer', digest, state: 'unpacked', bytes: size, size });
    }
  } finally {
    await downloads.stop();
  }
  return { blobs: new Map([...blobs, ...downloads.fetched]), layers };
}
