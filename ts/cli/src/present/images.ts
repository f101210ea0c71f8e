/** Lists of images, with docker's columns. */

import type { ImageInfo } from '@ctr-ts/sdk';
import { roughDuration } from './containers.ts';
import { formatSize } from './size.ts';
import { table } from './table.ts';

/** How a list is laid out. */
export interface ImageLayout {
  /** Do not shorten ids. */
  whole: boolean;
  /** A column with the digest of each. */
  digests: boolean;
  /** Milliseconds since 1970. */
  now: number;
}

const NONE = '<none>';

/** A row for each name of each image. */
export function presentImages(images: readonly ImageInfo[], layout: ImageLayout): string {
  const digest = layout.digests ? ['DIGEST'] : [];
  return table(
    ['REPOSITORY', 'TAG', ...digest, 'IMAGE ID', 'CREATED', 'SIZE'],
    images.flatMap((image) => {
      const names = image.names.length === 0 ? [NONE] : image.names;
      return names.map((name) => row(image, name, layout));
    }),
  );
}

/** The part of an image's id that people type. */
export function shortImageId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

function row(image: ImageInfo, name: string, { whole, digests, now }: ImageLayout): string[] {
  const { id, digest, createdAt, sizeBytes } = image;
  const { repository, tag } = splitName(name);
  return [
    repository,
    tag,
    ...(digests ? [digest] : []),
    whole ? id : shortImageId(id),
    createdAt === null ? 'N/A' : `${roughDuration(now - Date.parse(createdAt))} ago`,
    formatSize(sizeBytes),
  ];
}

/** `alpine:latest`, `localhost:5000/a:1` or `alpine@sha256:...`. */
function splitName(name: string): { repository: string; tag: string } {
  const at = name.indexOf('@');
  const tagged = at < 0 ? name : name.slice(0, at);
  const colon = tagged.lastIndexOf(':');
  const hasTag = colon > tagged.lastIndexOf('/');
  return hasTag
    ? { repository: tagged.slice(0, colon), tag: tagged.slice(colon + 1) }
    : { repository: tagged, tag: NONE };
}
