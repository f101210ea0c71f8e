/** From an image reference to a root file system and what its image says about starting on it. */

import {
  familiarName,
  type RootSource as ImageRoot,
  markRunRoot,
  parseReference,
  prepareRoot,
  type Reference,
} from '@ctr-ts/image';
import type { Core } from './core.ts';
import type { HostFacts } from './host.ts';
import { obtainImage, type PullPolicy } from './obtain.ts';
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
  const { core, directories, host, upper, node, signal } = input;
  const { reference, name, id } = await locate(input);
  const store = await storeOf(directories, core);
  const prepared = await prepareRoot(reference, {
    store,
    applyLayer: (blob, directory, options) => core.applyLayer(blob, directory, options),
    rootless: host.rootless,
    singleId: host.singleId,
    upper,
    node,
    signal,
  });
  if (usesStore(reference, prepared.root)) {
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
    name,
    id,
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
function usesStore({ transport }: Reference, root: ImageRoot): boolean {
  if (root.kind !== 'overlay') return false;
  return transport !== 'host' || root.upper.kind === 'directory';
}

async function locate(
  input: OpenImageInput,
): Promise<{ reference: Reference; name: string; id: string | null }> {
  const reference = parseReference(input.reference);
  if (reference.transport !== 'registry') return { reference, name: input.reference, id: null };
  const image = await obtainImage({ ...input, reference, text: input.reference });
  return { reference: image.reference, name: familiarName(image.reference), id: image.id };
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
