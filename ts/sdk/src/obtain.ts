/** The image of a registry that a container is to run: from the store, or pulled first. */

import {
  findImage,
  formatPlatform,
  hostPlatform,
  type Platform,
  parsePlatform,
  type RegistryReference,
  type StoredImage,
} from '@ctr-ts/image';
import { CtrError } from './errors.ts';
import { registryReference } from './image-info.ts';
import { findById, findByReference } from './images.ts';
import { type PullInput, pullToStore } from './pull.ts';
import { storeOf } from './store.ts';

/** When a registry is asked: if the store has none for this machine, always, or never. */
export type PullPolicy = 'missing' | 'always' | 'never';

/** Every {@link PullPolicy}. */
export const PULL_POLICIES: readonly PullPolicy[] = ['missing', 'always', 'never'];

export interface ObtainInput
  extends Pick<PullInput, 'reference' | 'core' | 'directories' | 'host' | 'signal'> {
  /** The reference as the caller wrote it; may be the id of a stored image. */
  text: string;
  pull: PullPolicy;
  onPull: PullInput['onEvent'];
}

/**
 * Finds or pulls the image.
 *
 * @throws CtrError `IMAGE_NOT_FOUND` for `never`, `FOREIGN_PLATFORM`, and as `pullToStore`
 */
export async function obtainImage(
  input: ObtainInput,
): Promise<{ reference: RegistryReference; id: string }> {
  const { pull, reference, text } = input;
  const stored = pull === 'always' ? undefined : await findStored(input);
  if (stored !== undefined && runsHere(stored.image.platform)) {
    return { reference: stored.reference, id: stored.image.config };
  }
  if (pull === 'never') {
    if (stored !== undefined) throw foreignPlatform(text, formatPlatform(stored.image.platform));
    throw new CtrError('IMAGE_NOT_FOUND', `open image ${text}: it is not in the store`, {
      hint: `ctr-ts pull ${text}`,
    });
  }
  const { image } = await pullToStore({
    ...input,
    platform: hostPlatform(),
    onEvent: input.onPull,
  });
  // An image without an index is what it is, whatever platform was asked for.
  if (!runsHere(parsePlatform(image.platform))) throw foreignPlatform(text, image.platform);
  return { reference, id: image.id };
}

/**
 * Refuses a platform that cannot run here, before anything is downloaded for it.
 *
 * @throws CtrError `INVALID_ARGUMENT`, `FOREIGN_PLATFORM`
 */
export function checkPlatform(image: string, platform: string): void {
  if (!runsHere(parsePlatform(platform))) throw foreignPlatform(image, platform);
}

/** By reference, for this machine if there is a choice; else by id, as in docker. */
async function findStored(
  input: ObtainInput,
): Promise<{ image: StoredImage; reference: RegistryReference } | undefined> {
  const { reference, core, directories, text } = input;
  const store = await storeOf(directories, core);
  const named = (await findImage(store, reference)) ?? (await findByReference(store, text));
  if (named !== undefined) return { image: named, reference };
  const image = await findById(store, text);
  const own = image?.references.flatMap((name) => registryReference(name) ?? [])[0];
  return image === undefined || own === undefined ? undefined : { image, reference: own };
}

/** Variants are not compared: they say what an image may use, and most use less. */
function runsHere({ os, architecture }: Platform): boolean {
  const host = hostPlatform();
  return os === host.os && architecture === host.architecture;
}

function foreignPlatform(image: string, platform: string): CtrError {
  const host = formatPlatform(hostPlatform());
  return new CtrError('FOREIGN_PLATFORM', `run ${image}: it is for ${platform}, not ${host}`, {
    hint: `leave --platform out, or name an image that was built for ${host}`,
  });
}
