/** Images of the store: pulling, listing and removing them. */

import {
  findImage,
  formatReference,
  hostPlatform,
  listImages,
  parsePlatform,
  parseReference,
  type RegistryReference,
  readImageConfig,
  removeImages,
  type Store,
  type StoredImage,
} from '@ctr-ts/image';
import { openCore } from './core.ts';
import { CtrError } from './errors.ts';
import { hostFacts } from './host.ts';
import {
  describeImage,
  describeWithConfig,
  type ImageDetails,
  type ImageInfo,
  registryReference,
} from './image-info.ts';
import type { EngineOptions } from './options.ts';
import { directories } from './paths.ts';
import { Pull, type PullEvent, pullToStore } from './pull.ts';
import { storeOf, storeUse } from './store.ts';

/** What {@link Image.pull} takes. */
export interface PullOptions {
  /** For example `linux/arm64`. Default: this machine's. */
  platform?: string | undefined;
  /** Called for each event, in order. */
  onEvent?: ((event: PullEvent) => void) | undefined;
  /** Gives up; of what was downloaded nothing stays. */
  signal?: AbortSignal | undefined;
  engine?: EngineOptions | undefined;
}

/** What {@link Image.list} takes. */
export interface ListImagesOptions {
  /** `REPOSITORY[:TAG]`: only references of this repository, with a tag only that one. */
  repository?: string | undefined;
  engine?: EngineOptions | undefined;
}

/** What {@link Image.remove} takes. */
export interface RemoveImagesOptions {
  /** Remove all names of an image given by id, and names of images that containers use. */
  force?: boolean | undefined;
  engine?: EngineOptions | undefined;
}

/** What {@link Image.remove} did. JSON-safe. */
export interface RemovedImages {
  /** Names that no longer name anything. */
  untagged: string[];
  /** Ids of images, and chain ids of unpacked layers. */
  deleted: string[];
}

/**
 * Images of registries, kept in the store of this user.
 *
 * @example
 * for await (const event of Image.pull('alpine')) console.log(event);
 */
export const Image = {
  /**
   * Downloads, verifies and unpacks an image. Returns at once; await the pull for its result, or
   * iterate over its events. Nothing is recorded unless everything was verified.
   *
   * Rejects with `INVALID_REFERENCE`, `REGISTRY_UNREACHABLE`, `REGISTRY_UNAUTHORIZED`,
   * `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `DIGEST_MISMATCH`, `DISK_FULL` and others of
   * SDK_ERRORS.
   */
  pull(reference: string, options: PullOptions = {}): Pull {
    return new Pull(options, async ({ onEvent, signal }) => {
      const parsed = parseReference(reference);
      if (parsed.transport !== 'registry') throw notPulled(reference);
      const { platform: text } = options;
      const platform = text === undefined ? hostPlatform() : parsePlatform(text);
      const paths = directories(options.engine);
      const core = openCore(paths);
      const host = await hostFacts(core);
      signal?.throwIfAborted();
      const input = { reference: parsed, platform, core, directories: paths, host };
      return (await pullToStore({ ...input, onEvent, signal })).result;
    });
  },

  /** Images of the store, the one pulled last first. */
  async list({ repository, engine }: ListImagesOptions = {}): Promise<ImageInfo[]> {
    const wanted = repository === undefined ? undefined : repositoryFilter(repository);
    const images = await listImages(await openedStore(engine));
    return images
      .map((image) => {
        const references = image.references.filter((text) => wanted?.(text) ?? true);
        return describeImage({ ...image, references });
      })
      .filter(({ references }) => wanted === undefined || references.length > 0)
      .toSorted((a, b) => Date.parse(b.pulledAt) - Date.parse(a.pulledAt));
  },

  /**
   * An image by reference, or by id or a prefix of it, with what it says about starting on it.
   *
   * @throws CtrError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`
   */
  async get(name: string, engine?: EngineOptions): Promise<ImageDetails> {
    const store = await openedStore(engine);
    const image = (await findByReference(store, name)) ?? (await findById(store, name));
    if (image !== undefined) return describeWithConfig(image, await readImageConfig(store, image));
    throw new CtrError('IMAGE_NOT_FOUND', `no image ${JSON.stringify(name)}`, {
      hint: 'ctr-ts images lists the images of this user',
    });
  },

  /**
   * Removes names of images; with its last name goes the image, as far as no other image shares it.
   *
   * @throws CtrError `IMAGE_NOT_FOUND`, `IMAGE_AMBIGUOUS`, `IMAGE_IN_USE` unless `force`
   */
  async remove(
    names: string | string[],
    { force = false, engine }: RemoveImagesOptions = {},
  ): Promise<RemovedImages> {
    const paths = directories(engine);
    const core = openCore(paths);
    const { images } = await storeUse(paths, core);
    return removeImages(await storeOf(paths, core), [names].flat(), {
      force,
      imagesInUse: images,
      layersInUse: async () => (await storeUse(paths, core)).layers,
    });
  },
};

/** The image that has this reference, for whatever platform it is; or has this digest. */
export async function findByReference(
  store: Store,
  text: string,
): Promise<StoredImage | undefined> {
  const reference = registryReference(text);
  if (reference === undefined) return undefined;
  const name = formatReference(reference);
  const images = await listImages(store);
  return images.find(({ references }) => references.includes(name)) ?? findImage(store, reference);
}

/**
 * The image whose id begins so, `undefined` when there is none.
 *
 * @throws CtrError `IMAGE_AMBIGUOUS`
 */
export async function findById(store: Store, text: string): Promise<StoredImage | undefined> {
  const prefix = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1];
  if (prefix === undefined) return undefined;
  const fitting = (await listImages(store)).filter(({ config }) =>
    config.startsWith(`sha256:${prefix}`),
  );
  const ids = new Set(fitting.map(({ config }) => config));
  if (ids.size <= 1) return fitting[0];
  throw new CtrError('IMAGE_AMBIGUOUS', `${ids.size} images begin with ${prefix}`, {
    hint: 'give more characters of the id',
  });
}

async function openedStore(engine: EngineOptions | undefined): Promise<Store> {
  const paths = directories(engine);
  return storeOf(paths, openCore(paths));
}

/** Whether a stored reference is of the repository, or is the very reference, that `text` names. */
function repositoryFilter(text: string): (reference: string) => boolean {
  const wanted = parseReference(text);
  if (wanted.transport !== 'registry') return () => false;
  // The parser adds the tag `latest`; here no tag means any.
  const exact = /[:@]/.test(text.slice(text.lastIndexOf('/') + 1));
  const fits = (found: RegistryReference): boolean =>
    found.registry === wanted.registry &&
    found.repository === wanted.repository &&
    (!exact || (found.tag === wanted.tag && found.digest === wanted.digest));
  return (reference) => {
    const found = registryReference(reference);
    return found !== undefined && fits(found);
  };
}

function notPulled(reference: string): CtrError {
  return new CtrError('INVALID_REFERENCE', `pull ${reference}: it is not in a registry`, {
    hint: 'host:, rootfs: and oci: are used where they are: ctr-ts run IMAGE',
  });
}
