/** Stores of a test, and pulls into them without the SDK. */
import { join } from 'node:path';

import {
  openStore,
  type PullOptions,
  parseReference,
  prepareRoot,
  type RegistryReference,
  type Store,
} from '@ctr-ts/image';
import { client } from '@ctr-ts/native';

/** The native core of this process. */
export const core = client({ runRoot: '/run/ctr-ts' });

let made = 0;
/** A new store below a directory. */
export async function emptyStore(directory: string): Promise<Store> {
  made += 1;
  return openStore(join(directory, `data-${made}`), (path) => core.removeTree(path));
}

/** How root pulls and prepares. */
export function optionsFor(store: Store): PullOptions {
  return {
    store,
    applyLayer: (blob, path, how) => core.applyLayer(blob, path, how),
    rootless: false,
    singleId: false,
  };
}

export const referenceOf = (text: string) => parseReference(text) as RegistryReference;

/** The unpacked layers of a pulled image, the uppermost first. */
export async function lowerOf(
  reference: RegistryReference,
  options: PullOptions,
): Promise<string[]> {
  const upper = { kind: 'tmpfs', sizeBytes: null } as const;
  const { root, release } = await prepareRoot(reference, { ...options, upper, node: false });
  await release();
  return root.kind === 'overlay' ? root.lower : [];
}
