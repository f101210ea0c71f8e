/** From an image reference to a root file system and what its image says about starting on it. */

import {
  type RootSource as ImageRoot,
  openStore,
  parseReference,
  prepareRoot,
  type Store,
} from '@ctr-ts/image';
import type { Core } from './core.ts';
import type { SpecMount } from './oci.ts';
import type { ImageDefaults } from './options.ts';
import type { Directories } from './paths.ts';
import type { OverlayUpper } from './plan.ts';
import { DEFAULT_PATH } from './spec.ts';

/** A root file system that a container can be started on. */
export interface OpenedImage {
  root: ImageRoot;
  mounts: SpecMount[];
  defaults: ImageDefaults;
  /** To be called when the container has a record, or does not start: until then its layers stay. */
  release(): Promise<void>;
}

/** Opens an image, unpacking what the store does not have. Throws as `prepareRoot`. */
export async function openImage(input: {
  reference: string;
  node: boolean;
  core: Core;
  directories: Directories;
  rootless: boolean;
  singleId: boolean;
  upper: OverlayUpper;
  signal: AbortSignal | undefined;
}): Promise<OpenedImage> {
  const { core, directories, rootless, singleId, upper, node, signal } = input;
  const reference = parseReference(input.reference);
  const store = await storeOf(directories.dataRoot, core);
  const prepared = await prepareRoot(reference, {
    store,
    applyLayer: (blob, directory, options) => core.applyLayer(blob, directory, options),
    rootless,
    singleId,
    upper,
    node,
    signal,
  });
  const { env, entrypoint, cmd, user, workdir } = prepared.config;
  return {
    root: prepared.root,
    mounts: prepared.mounts,
    release: prepared.release,
    defaults: {
      env: withPath(env, prepared.pathAdditions),
      entrypoint,
      command: cmd,
      user,
      workdir,
    },
  };
}

const stores = new Map<string, Promise<Store>>();

/** Opened once per process: a launch needs no further look at its directories. */
function storeOf(dataRoot: string, core: Core): Promise<Store> {
  const known = stores.get(dataRoot);
  if (known !== undefined) return known;
  const store = openStore(dataRoot, (path) => core.removeTree(path));
  stores.set(dataRoot, store);
  store.catch(() => stores.delete(dataRoot));
  return store;
}

function withPath(env: readonly string[], additions: readonly string[]): string[] {
  if (additions.length === 0) return [...env];
  const path = env.find((line) => line.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
  return [
    ...env.filter((line) => !line.startsWith('PATH=')),
    `PATH=${[...additions, path].join(':')}`,
  ];
}
