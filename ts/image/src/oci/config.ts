/** The config document of an image (image-spec, config.md). */

import { type Digest, parseDigest } from '../digest.ts';
import type { Platform } from '../platform.ts';
import { Json } from './json.ts';

/** The part of an image config that a container starts from (config.md, "Properties"). */
export interface ImageConfig {
  env: string[];
  entrypoint: string[];
  cmd: string[];
  workdir: string;
  user: string;
  labels: Record<string, string>;
  stopSignal: string | undefined;
  /** Paths the image keeps data at. Only data: an image chooses no mounts. */
  volumes: string[];
  /** `80/tcp`. Only data: an image publishes nothing. */
  exposedPorts: string[];
}

/** A config document. */
export interface ConfigDocument {
  image: ImageConfig;
  /** `undefined` where the document does not say. */
  platform: Platform | undefined;
  diffIds: Digest[];
  createdAt: string | undefined;
}

/** @throws CtrError `INVALID_IMAGE` */
export function readConfig(document: Json): ConfigDocument {
  const diffIds = document.field('rootfs').field('diff_ids').list();
  return {
    image: imageConfig(document),
    platform: platformOf(document),
    diffIds: diffIds.map((diffId) => parseDigest(diffId.value, diffId.path)),
    createdAt: document.field('created').optionalString(),
  };
}

function imageConfig(document: Json): ImageConfig {
  const config = document.field('config').missing
    ? new Json({}, 'config')
    : document.field('config');
  return {
    env: config.field('Env').strings(),
    entrypoint: config.field('Entrypoint').strings(),
    cmd: config.field('Cmd').strings(),
    workdir: config.field('WorkingDir').optionalString() ?? '',
    user: config.field('User').optionalString() ?? '',
    labels: config.field('Labels').stringMap(),
    stopSignal: config.field('StopSignal').optionalString(),
    volumes: config.field('Volumes').keys(),
    exposedPorts: config.field('ExposedPorts').keys(),
  };
}

/** The platform of a config, or of a descriptor's `platform`, unless it leaves one out. */
export function platformOf(json: Json): Platform | undefined {
  const os = json.field('os').optionalString() ?? '';
  const architecture = json.field('architecture').optionalString() ?? '';
  const variant = json.field('variant').optionalString() ?? '';
  if (os === '' || architecture === '') return undefined;
  return { os, architecture, ...(variant === '' ? {} : { variant }) };
}
