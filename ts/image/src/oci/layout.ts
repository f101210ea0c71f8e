/**
 * An OCI image layout on disk (image-spec, image-layout.md): from a tag to layers and config, every
 * document verified against the digest that named it.
 */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { type Digest, digestOf, hexOf, parseDigest } from '../digest.ts';
import { fileError } from '../file-error.ts';
import { Json } from './json.ts';

/** A blob of a layout. */
export interface Blob {
  digest: Digest;
  mediaType: string;
  size: number;
  /** Absolute path. */
  path: string;
}

/** A layer with what its content must be. */
export interface ImageLayer extends Blob {
  diffId: Digest;
}

/** The part of an image config that a container starts from (config.md, "Properties"). */
export interface ImageConfig {
  env: string[];
  entrypoint: string[];
  cmd: string[];
  workdir: string;
  user: string;
  labels: Record<string, string>;
  stopSignal: string | undefined;
}

/** One image of a layout. */
export interface LayoutImage {
  config: ImageConfig;
  layers: ImageLayer[];
}

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
const REF_NAME = 'org.opencontainers.image.ref.name';
const INDEXES = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };

/**
 * Reads one image of a layout; without a tag the only one, or the one tagged `latest`.
 *
 * @throws CtrError `IMAGE_NOT_FOUND`, `INVALID_IMAGE`, `DIGEST_MISMATCH`, `FILE_NOT_FOUND`
 */
export async function readLayout(directory: string, tag: string | undefined): Promise<LayoutImage> {
  const marker = Json.parse(await text(join(directory, 'oci-layout')), 'oci-layout');
  const version = marker.field('imageLayoutVersion').string();
  if (!version.startsWith('1.')) {
    throw new CtrError('INVALID_IMAGE', `read ${directory}: layout version ${version} is unknown`);
  }
  const index = Json.parse(await text(join(directory, 'index.json')), 'index.json');
  const chosen = chooseTag(index.field('manifests').list(), directory, tag);
  const manifest = await resolveManifest(directory, chosen);
  const config = blobOf(directory, manifest.field('config'));
  const configuration = await document(config);
  const diffIds = configuration.field('rootfs').field('diff_ids').list();
  const layers = manifest.field('layers').list();
  if (layers.length !== diffIds.length) {
    throw new CtrError(
      'INVALID_IMAGE',
      `read ${directory}: ${layers.length} layers and ${diffIds.length} diff ids`,
    );
  }
  return {
    config: configOf(configuration),
    layers: layers.map((layer, index) => ({
      ...blobOf(directory, layer),
      diffId: parseDigest(diffIds[index]?.value, `${config.digest} rootfs.diff_ids[${index}]`),
    })),
  };
}

function chooseTag(manifests: Json[], directory: string, tag: string | undefined): Json {
  const named = (name: string): Json | undefined =>
    manifests.find((entry) => entry.field('annotations').missing ? false : entry.field('annotations').field(REF_NAME).value === name);
  const chosen = tag === undefined ? (manifests.length === 1 ? manifests[0] : named('latest')) : named(tag);
  if (chosen !== undefined) return chosen;
  const names = manifests.flatMap((entry) =>
    entry.field('annotations').missing ? [] : (entry.field('annotations').field(REF_NAME).optionalString() ?? []),
  );
  const what = tag === undefined ? 'no single image and none tagged latest' : `no image tagged ${tag}`;
  throw new CtrError('IMAGE_NOT_FOUND', `open oci:${directory}: ${what}`, {
    hint: names.length === 0 ? 'the layout has no tags' : `its tags are ${names.join(', ')}`,
  });
}

/** Follows indexes to the manifest of this platform. */
async function resolveManifest(directory: string, descriptor: Json, depth = 0): Promise<Json> {
  const blob = blobOf(directory, descriptor);
  const content = await document(blob);
  const isIndex = INDEXES.has(blob.mediaType) || !content.field('manifests').missing;
  if (!isIndex) return content;
  if (depth > 4) throw new CtrError('INVALID_IMAGE', `read ${blob.digest}: indexes are nested too deeply`);
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const entries = content.field('manifests').list();
  const match = entries.find((entry) => {
    const platform = entry.field('platform');
    if (platform.missing) return entries.length === 1;
    return platform.field('os').value === 'linux' && platform.field('architecture').value === architecture;
  });
  if (match !== undefined) return resolveManifest(directory, match, depth + 1);
  throw new CtrError('IMAGE_NOT_FOUND', `open ${blob.digest}: no image for linux/${architecture} in it`);
}

function blobOf(directory: string, descriptor: Json): Blob {
  const digest = parseDigest(descriptor.field('digest').value, `${descriptor.path}.digest`);
  return {
    digest,
    mediaType: descriptor.field('mediaType').string(),
    size: descriptor.field('size').number(),
    path: join(directory, 'blobs', 'sha256', hexOf(digest)),
  };
}

/** A JSON blob whose bytes are what its digest says. */
async function document(blob: Blob): Promise<Json> {
  const { size } = await stat(blob.path).catch((cause: unknown) => Promise.reject(fileError('read', blob.path, cause)));
  if (size > MAX_DOCUMENT_BYTES) throw new CtrError('INVALID_IMAGE', `read ${blob.digest}: ${size} bytes are too many`);
  const content = await text(blob.path);
  const found = digestOf(content);
  if (found !== blob.digest) {
    throw new CtrError('DIGEST_MISMATCH', `read ${blob.path}: its digest is ${found}`, {
      hint: 'the layout is damaged: copy the image again',
    });
  }
  return Json.parse(content, blob.digest);
}

function configOf(document: Json): ImageConfig {
  const config = document.field('config').missing ? new Json({}, 'config') : document.field('config');
  return {
    env: config.field('Env').strings(),
    entrypoint: config.field('Entrypoint').strings(),
    cmd: config.field('Cmd').strings(),
    workdir: config.field('WorkingDir').optionalString() ?? '',
    user: config.field('User').optionalString() ?? '',
    labels: config.field('Labels').stringMap(),
    stopSignal: config.field('StopSignal').optionalString(),
  };
}

async function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: unknown) => Promise.reject(fileError('read', path, cause)));
}
