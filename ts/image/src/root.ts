/** From a reference to a root file system that a container can be started on. */

import { realpathSync, statSync } from 'node:fs';
import { CtrError } from '@ctr-ts/native';
import { fileError } from './file-error.ts';
import { hostMounts, NODE_DIRECTORY, type OciMount } from './host/mounts.ts';
import { openHost } from './host/skeleton.ts';
import type { ImageConfig } from './oci/config.ts';
import { type LayoutImage, layoutImage, readLayout, resolveBlobs } from './oci/layout.ts';
import { type ApplyLayer, chainIds, layerKind, layerPath, unpack } from './oci/unpack.ts';
import type { Platform } from './platform.ts';
import type { Reference } from './reference.ts';
import {
  familiarName,
  parseRegistryReference,
  type RegistryReference,
} from './registry-reference.ts';
import { findImage, type StoredImage } from './store/images.ts';
import { takeLease } from './store/lease.ts';
import { pathsOf } from './store/refs.ts';
import type { Store } from './store.ts';

/** Where writes to an overlay go; the upper layer of ctr-spec's RootSource. */
export type OverlayUpper =
  | { kind: 'tmpfs'; sizeBytes: number | null }
  | { kind: 'directory'; path: string };

/** ctr-spec's RootSource. */
export type RootSource =
  | { kind: 'bind'; path: string }
  | { kind: 'overlay'; lower: string[]; upper: OverlayUpper; userxattr: boolean };

/** A root file system and what its image says about starting on it. */
export interface PreparedRoot {
  root: RootSource;
  /** Mounts the source itself brings. */
  mounts: OciMount[];
  config: ImageConfig;
  /** Directories to put in front of PATH. */
  pathAdditions: string[];
  /**
   * Until this is called nobody removes the layers. Call it when the container is in the list of
   * those that `removeImages` is told of, or did not start.
   */
  release(): Promise<void>;
}

export interface PrepareOptions {
  store: Store;
  applyLayer: ApplyLayer;
  /** Containers live in a user namespace. */
  rootless: boolean;
  /** That maps one id only. */
  singleId: boolean;
  /** Where writes go. */
  upper: OverlayUpper;
  /** `host:` shows the calling Node. */
  node: boolean;
  /** Which image of an index; the machine's if not said. */
  platform?: Platform | undefined;
  signal?: AbortSignal | undefined;
}

const NO_CONFIG: ImageConfig = {
  env: [],
  entrypoint: [],
  cmd: [],
  workdir: '',
  user: '',
  labels: {},
  stopSignal: undefined,
  volumes: [],
  exposedPorts: [],
};

/**
 * Prepares the root of a reference, unpacking what the store does not have. An image in a registry
 * must have been pulled.
 *
 * @throws CtrError `FILE_NOT_FOUND`, `IMAGE_NOT_FOUND`, `INVALID_IMAGE`, `DIGEST_MISMATCH`,
 * `PLATFORM_NOT_FOUND`,
 * `DIFFID_MISMATCH`, `LAYER_*`, `DISK_FULL`, `PERMISSION_DENIED`
 */
export async function prepareRoot(
  reference: Reference,
  options: PrepareOptions,
): Promise<PreparedRoot> {
  switch (reference.transport) {
    case 'host':
      return hostRoot(options);
    case 'rootfs':
      return {
        root: directoryRoot(reference.directory),
        mounts: [],
        config: NO_CONFIG,
        pathAdditions: [],
        release: nothing,
      };
    case 'oci': {
      const image = await readLayout(reference.directory, reference.tag, options.platform);
      const maps = { userxattr: options.rootless, squashOwner: options.singleId };
      const layers = chainIds(image.layers).map((chain) => layerPath(layerKind(maps), chain));
      return layeredRoot(async () => image, layers, options);
    }
    case 'registry':
      return registryRoot(reference, options);
  }
}

async function nothing(): Promise<void> {}

/** Pulling it first, or not, is the caller's decision. */
async function registryRoot(
  reference: RegistryReference,
  options: PrepareOptions,
): Promise<PreparedRoot> {
  const image = await findImage(options.store, reference, options.platform);
  if (image === undefined) throw notInStore(familiarName(reference));
  return prepareImage(image, options);
}

/**
 * Prepares the root of an image of the store that was looked up before: this one, whatever its
 * references name by now.
 *
 * @throws CtrError `IMAGE_NOT_FOUND` when it is gone, and as `prepareRoot`
 */
export async function prepareImage(
  image: StoredImage,
  options: Omit<PrepareOptions, 'platform'>,
): Promise<PreparedRoot> {
  const { manifest, platform, parts } = image;
  const { dataRoot } = options.store;
  const top = parts.documents.find(({ digest }) => digest === manifest);
  if (top === undefined) throw notInStore(nameOf(image));
  const open = async () => {
    try {
      const document = { ...top, mediaType: '' };
      return layoutImage(dataRoot, await resolveBlobs(dataRoot, document, platform));
    } catch (cause) {
      // Removed between the look and the lease.
      const isGone = cause instanceof CtrError && cause.code === 'FILE_NOT_FOUND';
      throw isGone ? notInStore(nameOf(image)) : cause;
    }
  };
  return layeredRoot(open, pathsOf(parts), options);
}

function nameOf({ references: [reference], config }: StoredImage): string {
  return reference === undefined ? config : familiarName(parseRegistryReference(reference));
}

function notInStore(name: string): CtrError {
  return new CtrError('IMAGE_NOT_FOUND', `open image ${name}: it is not in the store`, {
    hint: `fetch it with ctr-ts pull ${name}`,
  });
}

/** An overlay of an image's layers; `paths` is all of the store that it needs. */
async function layeredRoot(
  open: () => Promise<LayoutImage>,
  paths: readonly string[],
  options: Omit<PrepareOptions, 'platform'>,
): Promise<PreparedRoot> {
  const { store, applyLayer, rootless, singleId, upper, signal } = options;
  // ORDER: the lease before the look whether the things are there (lease.ts).
  const lease = await takeLease(store, paths);
  try {
    const { config, layers } = await open();
    const maps = { userxattr: rootless, squashOwner: singleId };
    const lower = await unpack(layers, { store, applyLayer, ...maps, signal });
    return {
      root: { kind: 'overlay', lower, upper, userxattr: rootless },
      mounts: [],
      config,
      pathAdditions: [],
      release: lease.release,
    };
  } catch (error) {
    await lease.release();
    throw error;
  }
}

async function hostRoot({ store, rootless, upper, node }: PrepareOptions): Promise<PreparedRoot> {
  const { tree, lower } = await openHost(store, node);
  return {
    root: { kind: 'overlay', lower: [lower], upper, userxattr: rootless },
    mounts: hostMounts(tree),
    config: NO_CONFIG,
    pathAdditions: node ? [`${NODE_DIRECTORY}/bin`] : [],
    release: nothing,
  };
}

/**
 * The caller's directory is used as it is: writes go to it. Synchronous: two system calls of a
 * microsecond, where the way through Node's thread pool costs a launch hundreds.
 */
function directoryRoot(directory: string): RootSource {
  try {
    const path = realpathSync.native(directory);
    if (!statSync(path).isDirectory()) {
      throw new CtrError('FILE_NOT_FOUND', `open rootfs:${directory}: it is no directory`, {
        hint: 'name a directory that holds a root file system',
      });
    }
    return { kind: 'bind', path };
  } catch (cause) {
    throw fileError('open', `rootfs:${directory}`, cause);
  }
}
