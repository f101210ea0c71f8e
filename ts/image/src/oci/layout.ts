/**
 * An OCI image layout on disk (image-spec, image-layout.md): from a tag to layers and config, every
 * document verified against the digest that named it.
 */

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { type Digest, hexOf } from '../digest.ts';
import { fileError } from '../file-error.ts';
import { hostPlatform, type Platform } from '../platform.ts';
import type { ImageConfig } from './config.ts';
import { type Descriptor, readDescriptor } from './descriptor.ts';
import { type LayerDescriptor, type ResolvedImage, resolveImage } from './image.ts';
import { Json } from './json.ts';

/** A layer as a file. */
export interface ImageLayer extends LayerDescriptor {
  /** Absolute path. */
  path: string;
}

/** One image whose layers are files. */
export interface LayoutImage {
  config: ImageConfig;
  layers: ImageLayer[];
}

const REF_NAME = 'org.opencontainers.image.ref.name';

/**
 * Reads one image of a layout; without a tag the only one, or the one tagged `latest`.
 *
 * @throws CtrError `IMAGE_NOT_FOUND`, `INVALID_IMAGE`, `DIGEST_MISMATCH`, `FILE_NOT_FOUND`,
 * `PLATFORM_NOT_FOUND`
 */
export async function readLayout(
  path: string,
  tag: string | undefined,
  platform: Platform = hostPlatform(),
): Promise<LayoutImage> {
  const directory = resolve(path);
  const marker = Json.parse((await layoutFile(directory, 'oci-layout')).toString(), 'oci-layout');
  const version = marker.field('imageLayoutVersion').string();
  if (!version.startsWith('1.')) {
    throw new CtrError('INVALID_IMAGE', `read ${directory}: layout version ${version} is unknown`);
  }
  const index = Json.parse((await layoutFile(directory, 'index.json')).toString(), 'index.json');
  const chosen = chooseTag(index.field('manifests').list(), directory, tag);
  const image = await resolveBlobs(directory, readDescriptor(chosen), platform);
  return layoutImage(directory, image);
}

/** Resolves an image whose documents are blobs below a directory. Throws as `readLayout`. */
export function resolveBlobs(
  directory: string,
  top: Descriptor,
  platform: Platform,
): Promise<ResolvedImage> {
  return resolveImage(top, platform, async (descriptor) => {
    const path = blobPath(directory, descriptor.digest);
    await checkSize({ ...descriptor, path });
    return read(path);
  });
}

/** The image with the files of its layers. */
export function layoutImage(directory: string, { image, layers }: ResolvedImage): LayoutImage {
  return {
    config: image,
    layers: layers.map((layer) => ({ ...layer, path: blobPath(directory, layer.digest) })),
  };
}

/** Where a layout has a blob. */
export function blobPath(directory: string, digest: Digest): string {
  return join(directory, 'blobs', 'sha256', hexOf(digest));
}

function chooseTag(manifests: Json[], directory: string, tag: string | undefined): Json {
  const named = (name: string) => manifests.find((entry) => tagOf(entry) === name);
  const only = tag === undefined && manifests.length === 1 ? manifests[0] : undefined;
  const chosen = only ?? named(tag ?? 'latest');
  if (chosen !== undefined) return chosen;
  const what =
    tag === undefined ? 'no single image and none tagged latest' : `no image tagged ${tag}`;
  const tags = manifests.flatMap((entry) => tagOf(entry) ?? []);
  throw new CtrError('IMAGE_NOT_FOUND', `open oci:${directory}: ${what}`, {
    hint: tags.length === 0 ? 'the layout has no tags' : `its tags are ${tags.join(', ')}`,
  });
}

function tagOf(descriptor: Json): string | undefined {
  const annotations = descriptor.field('annotations');
  return annotations.missing ? undefined : annotations.field(REF_NAME).optionalString();
}

/** @throws CtrError when the blob is not there or not as long as its descriptor says */
export async function checkSize({ path, size }: Descriptor & { path: string }): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  if (found.size === size) return;
  const what = `read ${path}: it has ${found.size} bytes in place of ${size}`;
  throw new CtrError('DIGEST_MISMATCH', what, {
    hint: 'the layout is damaged: copy the image again',
  });
}

/** The two files by which a directory is an OCI layout. */
async function layoutFile(directory: string, name: string): Promise<Buffer> {
  try {
    return await read(join(directory, name));
  } catch (cause) {
    if (!(cause instanceof CtrError) || cause.code !== 'FILE_NOT_FOUND') throw cause;
    throw new CtrError('IMAGE_NOT_FOUND', `open oci:${directory}: it has no ${name}`, {
      hint: 'name a directory that holds an OCI image layout, as skopeo and umoci write it',
      cause,
    });
  }
}

async function read(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
}
