/** Descriptors and media types (image-spec, descriptor.md and media-types.md), and docker's. */

import { CtrError } from '@ctr-ts/native';
import { type Digest, parseDigest } from '../digest.ts';
import type { Json } from './json.ts';

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  size: number;
}

export const INDEX_TYPES: readonly string[] = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
export const MANIFEST_TYPES: readonly string[] = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
];
export const CONFIG_TYPES: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];

/** How the tar of a layer is packed. */
export type Compression = 'none' | 'gzip';

const COMPRESSIONS: Readonly<Record<string, Compression>> = {
  'application/vnd.oci.image.layer.v1.tar': 'none',
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gzip',
  'application/vnd.docker.image.rootfs.diff.tar': 'none',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gzip',
};

/** @throws CtrError `INVALID_IMAGE` */
export function readDescriptor(json: Json): Descriptor {
  return {
    digest: parseDigest(json.field('digest').value, `${json.path}.digest`),
    mediaType: json.field('mediaType').string(),
    size: json.field('size').number(),
  };
}

/** @throws CtrError `NOT_YET` */
export function compressionOf({ mediaType, digest }: Descriptor): Compression {
  const compression = Object.hasOwn(COMPRESSIONS, mediaType) ? COMPRESSIONS[mediaType] : undefined;
  if (compression !== undefined) return compression;
  throw new CtrError('NOT_YET', `unpack ${digest}: ${mediaType} is not supported yet`, {
    hint: 'copy the image with layers in gzip',
  });
}
