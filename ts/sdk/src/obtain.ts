/** The image of a registry that a container is to run: from the store, or pulled first. */

import {
  familiarName,
  findImage,
  formatPlatform,
  hostPlatform,
  isComplete,
  type Platform,
  parsePlatform,
  type RegistryReference,
  runsOn,
  type StoredImage,
} from '@ctr-ts/image';
import { CtrError } from './errors.ts';
import { familiarReference } from './image-info.ts';
import { findById, findByReference } from './images.ts';
import { type PullInput, pullToStore } from './pull.ts';
import { storeOf } from './store.ts';

/** When a registry is asked: if the store has none for this machine, always, or never. */
export type PullPolicy = 'missing' | 'always' | 'never';

/** Every {@link PullPolicy}. */
export const PULL_POLICIES: readonly PullPolicy[] = ['missing', 'always', 'never'];

export interface ObtainInput extends Pick<PullInput, 'core' | 'directories' | 'host' | 'signal'> {
  /** The reference as the caller wrote it; `undefined` for what can only be an identifier. */
  reference: RegistryReference | undefined;
  /** What the caller wrote: the reference, or the id of a stored image. */
  text: string;
  /** The best this machine has if not said. */
  platform: Platform | undefined;
  pull: PullPolicy;
  onPull: PullInput['onEvent'];
}

/** An image of the store. */
export interface ObtainedImage {
  image: StoredImage;
  /** As people type it. */
  name: string;
}

/**
 * Finds or pulls the image. What it returns is what is to be run, even if its reference moves on
 * meanwhile.
 *
 * @throws CtrError `IMAGE_NOT_FOUND` for `never`, `FOREIGN_PLATFORM`, and as `pullToStore`
 */
export async function obtainImage(input: ObtainInput): Promise<ObtainedImage> {
  const { pull, reference, text, platform } = input;
  const stored = pull === 'always' ? undefined : await findStored(input);
  if (stored !== undefined && serves(stored.image, platform)) return stored;
  if (pull === 'never' || reference === undefined) {
    if (stored !== undefined) throw foreign(text, stored.image.platform, platform);
    throw new CtrError('IMAGE_NOT_FOUND', `open image ${text}: it is not in the store`, {
      hint:
        reference === undefined
          ? 'ctr-ts images lists the images of this user'
          : `ctr-ts pull ${text}`,
    });
  }
  const { image } = await pullToStore({
    ...input,
    reference,
    platform: platform ?? hostPlatform(),
    onEvent: input.onPull,
  });
  return { image, name: familiarName(reference) };
}

/** Whether this is the identifier of an image in full, and so no reference (docker's rule). */
export function isImageId(text: string): boolean {
  return /^(?:sha256:)?[0-9a-f]{64}$/.test(text);
}

/**
 * Refuses a platform that cannot run here, before anything is downloaded for it.
 *
 * @throws CtrError `INVALID_ARGUMENT`, `FOREIGN_PLATFORM`
 */
export function checkPlatform(image: string, platform: string): void {
  const wanted = parsePlatform(platform);
  if (!runsHere(wanted)) throw foreign(image, wanted);
}

/**
 * By reference, for the platform if there is a choice; else by id, as in docker. One that is not
 * there in full counts as not there.
 */
async function findStored(input: ObtainInput): Promise<ObtainedImage | undefined> {
  const { reference, core, directories, text, platform } = input;
  const store = await storeOf(directories, core);
  if (reference !== undefined) {
    const best = await findImage(store, reference, platform);
    if (best !== undefined) return { image: best, name: familiarName(reference) };
    const named = await findByReference(store, text);
    if (named !== undefined) {
      const isThere = await isComplete(store, named.parts);
      return isThere ? { image: named, name: familiarName(reference) } : undefined;
    }
  }
  const image = await findById(store, text);
  if (image === undefined || !(await isComplete(store, image.parts))) return undefined;
  const [own] = image.references;
  return { image, name: own === undefined ? shortId(image) : familiarReference(own) };
}

/** As docker shows an image without a name. */
function shortId({ config }: StoredImage): string {
  return config.slice('sha256:'.length, 'sha256:'.length + 12);
}

/**
 * Of a platform that nobody asked for, variants are not compared: they say what an image may use,
 * and most use less.
 */
function serves(image: StoredImage, wanted: Platform | undefined): boolean {
  return wanted === undefined ? runsHere(image.platform) : runsOn(image.platform, wanted);
}

function runsHere({ os, architecture }: Platform): boolean {
  const host = hostPlatform();
  return os === host.os && architecture === host.architecture;
}

function foreign(image: string, found: Platform, wanted = hostPlatform()): CtrError {
  const name = formatPlatform(wanted);
  return new CtrError(
    'FOREIGN_PLATFORM',
    `run ${image}: it is for ${formatPlatform(found)}, not ${name}`,
    { hint: `leave --platform out, or name an image that was built for ${name}` },
  );
}
