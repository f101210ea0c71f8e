/** Layers of an image as directories of the store, by chain ID (image-spec, config.md). */

import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import { publish, type Store } from '../store.ts';
import { checkSize, type ImageLayer } from './layout.ts';

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
export type ApplyLayer = (
  blob: string,
  directory: string,
  options: LayerOptions,
) => Promise<AppliedLayer>;

export interface UnpackOptions {
  store: Store;
  applyLayer: ApplyLayer;
  userxattr: boolean;
  squashOwner: boolean;
  signal?: AbortSignal | undefined;
}

const COMPRESSIONS: Readonly<Record<string, 'none' | 'gzip'>> = {
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
export async function unpack(
  layers: readonly ImageLayer[],
  options: UnpackOptions,
): Promise<string[]> {
  const steps = layers.map((layer) => ({ layer, compression: compressionOf(layer) }));
  const directories: string[] = [];
  let chain: Digest | undefined;
  for (const { layer, compression } of steps) {
    options.signal?.throwIfAborted();
    chain = chain === undefined ? layer.diffId : digestOf(`${chain} ${layer.diffId}`);
    directories.unshift(await unpackOne(layer, { ...options, chain, compression }));
  }
  return directories;
}

interface Step extends UnpackOptions {
  chain: Digest;
  compression: 'none' | 'gzip';
}

async function unpackOne(layer: ImageLayer, step: Step): Promise<string> {
  const { store, applyLayer, userxattr, squashOwner, compression } = step;
  // Owners and attributes depend on the id map, so each kind of map has layers of its own.
  const kind = squashOwner ? 'squashed' : userxattr ? 'user' : 'root';
  const path = join(store.dataRoot, 'layers', kind, 'sha256', hexOf(step.chain));
  await publish(store, path, async (staging) => {
    await checkSize(layer);
    const directory = join(staging, 'diff');
    await mkdir(directory);
    // ORDER: mkdir(2) applies the umask, chmod(2) does not. A layer that names its root sets its own.
    await chmod(directory, 0o755);
    const found = await applyLayer(layer.path, directory, { compression, userxattr, squashOwner });
    check('DIGEST_MISMATCH', 'digest', layer.digest, found.digest);
    check('DIFFID_MISMATCH', 'diff id', layer.diffId, found.diffId);
  });
  return join(path, 'diff');
}

function compressionOf({ mediaType, digest }: ImageLayer): 'none' | 'gzip' {
  const compression = COMPRESSIONS[mediaType];
  if (compression !== undefined) return compression;
  throw new CtrError('NOT_YET', `unpack ${digest}: ${mediaType} is not supported yet`, {
    hint: 'copy the image with layers in gzip',
  });
}

function check(code: string, what: string, wanted: string, found: string): void {
  if (wanted === found) return;
  throw new CtrError(code, `unpack layer ${wanted}: its ${what} is ${found}`, {
    hint: 'the image is damaged: copy it again',
  });
}
