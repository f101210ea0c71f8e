/** Layers of an image as directories of the store, by chain ID (image-spec, config.md). */

import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { type Digest, digestOf, hexOf } from '../digest.ts';
import { publish, type Store } from '../store.ts';
import { type Compression, compressionOf } from './descriptor.ts';
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
  compression: Compression;
  /** Overlay metadata in `user.overlay.*`, for a user namespace. */
  userxattr: boolean;
  /** Every file to id 0, where a single id is mapped. */
  squashOwner: boolean;
  /** Directories of the layers below, uppermost first. */
  lowers: readonly string[];
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

/**
 * Unpacks what is missing and returns the layers' directories, uppermost first.
 *
 * @throws CtrError `DIGEST_MISMATCH`, `DIFFID_MISMATCH`, `LAYER_*`, `NOT_YET` for a compression
 */
export async function unpack(
  layers: readonly ImageLayer[],
  options: UnpackOptions,
): Promise<string[]> {
  // Before anything is unpacked: a compression nobody can unpack.
  for (const layer of layers) compressionOf(layer);
  const chains = chainIds(layers);
  const directories: string[] = [];
  for (const [index, layer] of layers.entries()) {
    options.signal?.throwIfAborted();
    const chain = chains[index] as Digest;
    directories.unshift(await unpackOne(layer, { ...options, chain, lowers: [...directories] }));
  }
  return directories;
}

/** What names each layer together with all below it (config.md, "Layer ChainID"), lowest first. */
export function chainIds(layers: readonly { diffId: Digest }[]): Digest[] {
  const chains: Digest[] = [];
  for (const { diffId } of layers) {
    const below = chains.at(-1);
    chains.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chains;
}

/** Owners and attributes depend on the id map, so each kind of map has layers of its own. */
export const LAYER_KINDS = ['root', 'user', 'squashed'] as const;

export type LayerKind = (typeof LAYER_KINDS)[number];

/** Which kind of layers a container with these maps runs on. */
export function layerKind(options: { userxattr: boolean; squashOwner: boolean }): LayerKind {
  return options.squashOwner ? 'squashed' : options.userxattr ? 'user' : 'root';
}

/** Where the store has an unpacked layer, below its data root. */
export function layerPath(kind: LayerKind, chain: Digest): string {
  return join(layersPath(kind), hexOf(chain));
}

/** Where the store has all unpacked layers of a kind, below its data root. */
export function layersPath(kind: LayerKind): string {
  return join('layers', kind, 'sha256');
}

interface Step extends UnpackOptions {
  chain: Digest;
  /** Directories of the layers below, uppermost first. */
  lowers: readonly string[];
}

async function unpackOne(layer: ImageLayer, step: Step): Promise<string> {
  const { store, ...how } = step;
  const path = join(store.dataRoot, layerPath(layerKind(step), step.chain));
  await publish(store, path, (staging) => unpackLayer(layer, staging, how));
  return layerDirectory(path);
}

/** Where the files are of a layer unpacked at a path, in the store or in staging. */
export function layerDirectory(path: string): string {
  return join(path, 'diff');
}

/**
 * Unpacks one layer to a new directory on top of those below it, which are complete, and verifies
 * its bytes and its content.
 *
 * @throws as `unpack`
 */
export async function unpackLayer(
  layer: ImageLayer,
  staging: string,
  { applyLayer, userxattr, squashOwner, lowers }: Omit<Step, 'store' | 'chain'>,
): Promise<void> {
  const compression = compressionOf(layer);
  await checkSize(layer);
  const directory = layerDirectory(staging);
  await mkdir(directory);
  // ORDER: mkdir(2) applies the umask, chmod(2) does not. A layer that names its root sets its own,
  // one that does not has that of the layer below.
  await chmod(directory, 0o755);
  const how = { compression, userxattr, squashOwner, lowers };
  const found = await applyLayer(layer.path, directory, how);
  check('DIGEST_MISMATCH', 'digest', layer.digest, found.digest);
  check('DIFFID_MISMATCH', 'diff id', layer.diffId, found.diffId);
}

function check(code: string, what: string, wanted: string, found: string): void {
  if (wanted === found) return;
  throw new CtrError(code, `unpack layer ${wanted}: its ${what} is ${found}`, {
    hint: 'the image is damaged: copy it again',
  });
}
