/** From an image reference to a root file system and what its image says about starting on it. */

import {
  type RootSource as ImageRoot,
  markRunRoot,
  type Platform,
  type PrepareOptions,
  parseReference,
  prepareImage,
  prepareRoot,
  type Reference,
} from '@ctr-ts/image';
import type { Core } from './core.ts';
import type { HostFacts } from './host.ts';
import { isImageId, type ObtainedImage, obtainImage, type PullPolicy } from './obtain.ts';
import type { SpecMount } from './oci.ts';
import type { ImageDefaults } from './options.ts';
import type { Directories } from './paths.ts';
import type { OverlayUpper } from './plan.ts';
import type { PullEvent } from './pull.ts';
import { signalName, signalNumber } from './signals.ts';
import { DEFAULT_PATH } from './spec.ts';
import { storeOf } from './store.ts';

/** A root file system that a container can be started on. */
export interface OpenedImage {
  /** The reference as people type it. */
  name: string;
  /** Digest of the image's config; `null` when it is from no registry. */
  id: string | null;
  root: ImageRoot;
  mounts: SpecMount[];
  defaults: ImageDefaults;
  /** Until this is called nobody removes its layers. */
  release(): Promise<void>;
}

/** What decides which image is opened, and how. */
export interface OpenImageInput {
  reference: string;
  /** When a registry is asked for it. */
  pull: PullPolicy;
  /** Which image of several; the best this machine has if not said. */
  platform: Platform | undefined;
  onPull: ((event: PullEvent) => void) | undefined;
  node: boolean;
  core: Core;
  directories: Directories;
  host: Pick<HostFacts, 'rootless' | 'singleId'>;
  upper: OverlayUpper;
  signal: AbortSignal | undefined;
}

/** Opens an image, pulling and unpacking what the store does not have. Throws as `prepareRoot`. */
export async function openImage(input: OpenImageInput): Promise<OpenedImage> {
  const { core, directories, host, upper, node, platform, signal } = input;
  const found = await locate(input);
  const store = await storeOf(directories, core);
  const options: PrepareOptions = {
    store,
    applyLayer: (blob, directory, options) => core.applyLayer(blob, directory, options),
    rootless: host.rootless,
    singleId: host.singleId,
    upper,
    node,
    platform,
    signal,
  };
  const prepared = isStored(found)
    ? await prepareImage(found.image, options)
    : await prepareRoot(found, options);
  if (usesStore(found, prepared.root)) {
    try {
      // ORDER: before the launch, and before the lease ends: from then on only the record tells.
      markRunRoot(store, directories.runRoot);
    } catch (error) {
      await prepared.release();
      throw error;
    }
  }
  const { env, entrypoint, cmd, user, workdir, labels, stopSignal } = prepared.config;
  return {
    name: isStored(found) ? found.name : input.reference,
    id: isStored(found) ? found.image.config : null,
    root: prepared.root,
    mounts: prepared.mounts,
    release: () => prepared.release(),
    defaults: {
      env: withPath(env, prepared.pathAdditions),
      entrypoint,
      command: cmd,
      user,
      workdir,
      labels,
      stopSignal: usableSignal(stopSignal),
    },
  };
}

/** Whether something in the store goes when it is thought that there is no such container. */
function usesStore(found: Reference | ObtainedImage, root: ImageRoot): boolean {
  if (root.kind !== 'overlay') return false;
  return isStored(found) || found.transport !== 'host' || root.upper.kind === 'directory';
}

/** The image of the store that is meant, or what needs no registry. */
async function locate(input: OpenImageInput): Promise<Reference | ObtainedImage> {
  const { reference: text, pull } = input;
  // An identifier in full is no reference; there is nothing it could be pulled from.
  if (isImageId(text) && pull !== 'always') {
    return obtainImage({ ...input, reference: undefined, text });
  }
  const reference = parseReference(text);
  if (reference.transport !== 'registry') return reference;
  return obtainImage({ ...input, reference, text });
}

function isStored(found: Reference | ObtainedImage): found is ObtainedImage {
  return 'image' in found;
}

/** An image may say anything; one that names no signal is stopped as if it said nothing. */
function usableSignal(text: string | undefined): string | undefined {
  try {
    return text ? (signalName(signalNumber(text)) ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

function withPath(env: readonly string[], additions: readonly string[]): string[] {
  if (additions.length === 0) return [...env];
  const path = env.find((line) => line.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH;
  return [
    ...env.filter((line) => !line.startsWith('PATH=')),
    `PATH=${[...additions, path].join(':')}`,
  ];
}
