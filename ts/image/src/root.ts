/** From a reference to a root file system that a container can be started on. */

import { realpathSync, statSync } from 'node:fs';
import { CtrError } from '@ctr-ts/native';
import { fileError } from './file-error.ts';
import { hostMounts, NODE_DIRECTORY, type OciMount } from './host/mounts.ts';
import { openHost } from './host/skeleton.ts';
import { type ImageConfig, readLayout } from './oci/layout.ts';
import { type ApplyLayer, unpack } from './oci/unpack.ts';
import type { Reference } from './reference.ts';
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
};

/**
 * Prepares the root of a reference, unpacking what the store does not have.
 *
 * @throws CtrError `FILE_NOT_FOUND`, `IMAGE_NOT_FOUND`, `INVALID_IMAGE`, `DIGEST_MISMATCH`,
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
      };
    case 'oci': {
      const { store, applyLayer, rootless, singleId, upper, signal } = options;
      const image = await readLayout(reference.directory, reference.tag);
      const lower = await unpack(image.layers, {
        store,
        applyLayer,
        userxattr: rootless,
        squashOwner: singleId,
        signal,
      });
      return {
        root: { kind: 'overlay', lower, upper, userxattr: rootless },
        mounts: [],
        config: image.config,
        pathAdditions: [],
      };
    }
  }
}

async function hostRoot({ store, rootless, upper, node }: PrepareOptions): Promise<PreparedRoot> {
  const { tree, lower } = await openHost(store, node);
  return {
    root: { kind: 'overlay', lower: [lower], upper, userxattr: rootless },
    mounts: hostMounts(tree),
    config: NO_CONFIG,
    pathAdditions: node ? [`${NODE_DIRECTORY}/bin`] : [],
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
