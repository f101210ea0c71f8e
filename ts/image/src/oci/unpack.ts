/** Layers of an image as directories of the store, by chain ID (image-spec, config.md). */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import { exists, publish, type Store } from '../store.ts';
import type { ImageLayer } from './layout.ts';

/** What was applied. */
export interface AppliedLayer {
  digest: string;
  diffId: string;
  entries: number;
  bytes: number;
}

/** How layers become files. */
export interface LayerOptions {
  compression: 'none' | 'gzip';
  /** Overlay metadata in `user.overlay.*`, for a user namespace. */
  userxattr: boolean;
  /** Every file to id 0, where a single id is mapped. */
  squashOwner: boolean;
}

/** Applies one blob to a directory; the native core's. */
export type ApplyLayer = (blob: string, directory: string, options: LayerOptions) => Promise<AppliedLayer>;

export interface UnpackOptions {
  store: Store;
  applyLayer: ApplyLayer;
  userxattr: boolean;
  squashOwner: boolean;
  signal?: AbortSignal | undefined;
}

const COMPRESSIONS: Record<string, 'none' | 'gzip'> = {
  'application/vnd.oci.image.layer.v1.tar': 'none',
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gzip',
  'application/vnd.docker.image.rootfs.diff.tar': 'none',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gzip',
};

/**
 * Unpacks what is missing and returns the layers' directories, uppermost first.
 *
 * @throws CtrError `DIGEST_MISMATCH`, `DIFFID_MISMATCH`, `LAYER_*`, `NOT_YET` for a compression
 */
export async function unpack(layers: readonly ImageLayer[], options: UnpackOptions): Promise<string[]> {
  const directories: string[] = [];
  let chain: Digest | undefined;
  for (const layer of layers) {
    options.signal?.throwIfAborted();
    chain = chain === undefined ? layer.diffId : digestOf(`${chain} ${layer.diffId}`);
    directories.unshift(await unpackOne(layer, chain, options));
  }
  return directories;
}

/** Owners differ between id maps, so each kind of map has layers of its own. */
async function unpackOne(layer: ImageLayer, chain: Digest, options: UnpackOptions): Promise<string> {
  const kind = options.squashOwner ? 'squashed' : options.userxattr ? 'user' : 'root';
  const path = join(options.store.dataRoot, 'layers', kind, hexOf(chain));
  const diff = join(path, 'diff');
  if (await exists(diff)) return diff;
  const compression = COMPRESSIONS[layer.mediaType];
  if (compression === undefined) {
    throw new CtrError('NOT_YET', `unpack ${layer.digest}: ${layer.mediaType} is not supported yet`, {
      hint: 'copy the image with gzip layers: skopeo copy --dest-compress-format gzip',
    });
  }
  await publish(options.store, path, async (staging) => {
    const directory = join(staging, 'diff');
    await mkdir(directory, { mode: 0o755 });
    const { userxattr, squashOwner } = options;
    const applied = await options.applyLayer(layer.path, directory, { compression, userxattr, squashOwner });
    check('DIGEST_MISMATCH', 'digest', layer.digest, applied.digest);
    check('DIFFID_MISMATCH', 'diff id', layer.diffId, applied.diffId);
  });
  return diff;
}

function check(code: string, what: string, wanted: string, found: string): void {
  if (wanted === found) return;
  throw new CtrError(code, `unpack layer ${wanted}: its ${what} is ${found}`, {
    hint: 'the image is damaged: copy it again',
  });
}
