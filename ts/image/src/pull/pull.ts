/** Pulling an image: from a reference to verified blobs, unpacked layers and a record. */

import { compressionOf } from '../oci/descriptor.ts';
import { type ResolvedImage, resolveImage } from '../oci/image.ts';
import type { ApplyLayer } from '../oci/unpack.ts';
import { hostPlatform, type Platform } from '../platform.ts';
import { Repository } from '../registry/client.ts';
import type { CredentialSource } from '../registry/credentials.ts';
import { DEFAULT_LIMITS, type NetworkLimits } from '../registry/network.ts';
import { resolveReference } from '../registry/resolve.ts';
import { formatReference, type RegistryReference } from '../registry-reference.ts';
import type { LayersInUse } from '../store/collect.ts';
import { type StoredImage, storedImage } from '../store/images.ts';
import { type ImageRecord, readRecord, recordName } from '../store/refs.ts';
import type { Store } from '../store.ts';
import type { PullEvent } from './event.ts';
import { fetchImage } from './fetch.ts';

export interface PullOptions {
  store: Store;
  applyLayer: ApplyLayer;
  /** Containers live in a user namespace. */
  rootless: boolean;
  /** That maps one id only. */
  singleId: boolean;
  /** The machine's if not said. */
  platform?: Platform | undefined;
  onEvent?: ((event: PullEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Without it nobody is logged in. */
  credentials?: CredentialSource | undefined;
  /** For a pull that fails to take its own layers away again; they stay without it. */
  layersInUse?: LayersInUse | undefined;
  /** Time limits and attempts, where they shall differ from the default. */
  network?: Partial<NetworkLimits> | undefined;
}

/** A pulled image. */
export interface PulledImage {
  image: StoredImage;
  /** The reference named this image before, and nothing of it was missing. */
  upToDate: boolean;
}

/**
 * Pulls an image. Blobs are hashed while they are written; layers are unpacked while later ones are
 * on their way. When everything has been verified it is published by rename, and the reference is
 * recorded last; of a pull that fails nothing stays.
 *
 * @throws CtrError `REGISTRY_UNREACHABLE`, `REGISTRY_UNAUTHORIZED`, `REGISTRY_ERROR`,
 * `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `INVALID_IMAGE`, `DIGEST_MISMATCH`, `DIFFID_MISMATCH`,
 * `LAYER_*`, `DISK_FULL`, `NOT_YET`
 */
export async function pullImage(
  reference: RegistryReference,
  options: PullOptions,
): Promise<PulledImage> {
  const { store, onEvent, signal, credentials, platform = hostPlatform() } = options;
  signal?.throwIfAborted();
  const repository = new Repository(reference, {
    limits: { ...DEFAULT_LIMITS, ...options.network },
    credentials,
    signal,
    onRetry: (retry) => onEvent?.({ type: 'retry', ...retry }),
  });
  const before = await readRecord(store, recordName(reference));
  const { descriptor, read } = await resolveReference(reference, repository, store, before);
  const resolved = await resolveImage(descriptor, platform, read);
  // Before anything is downloaded: a compression nobody can unpack.
  for (const layer of resolved.layers) compressionOf(layer);
  onEvent?.({
    type: 'manifest',
    reference: formatReference(reference),
    digest: descriptor.digest,
    layers: resolved.layers.map(({ digest, size }) => ({ digest, size })),
  });
  const record = recordOf(recordName(reference), resolved);
  const isComplete = await fetchImage(record, resolved, { ...options, repository });
  const isSame = before?.manifest === record.manifest && before.digest === record.digest;
  return { image: storedImage([record]), upToDate: isSame && isComplete };
}

function recordOf(reference: string, resolved: ResolvedImage): ImageRecord {
  const { documents, manifest, config, layers, platform, createdAt } = resolved;
  return {
    reference,
    digest: documents[0]?.descriptor.digest ?? manifest.digest,
    manifest: manifest.digest,
    config: config.digest,
    platform,
    createdAt,
    pulledAt: Date.now(),
    documents: documents.map(({ descriptor: { digest, size } }) => ({ digest, size })),
    layers: layers.map(({ digest, size, diffId }) => ({ digest, size, diffId })),
  };
}
