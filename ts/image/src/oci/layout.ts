/**
 * An OCI image layout on disk (image-spec, image-layout.md): from a tag to layers and config, every
 * document verified against the digest that named it.
 */

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
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
const MAX_INDEX_DEPTH = 4;
/** Names of Go, which the image spec uses, for those of Node. */
const ARCHITECTURES: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64' };

/**
 * Reads one image of a layout; without a tag the only one, or the one tagged `latest`.
 *
 * @throws CtrError `IMAGE_NOT_FOUND`, `INVALID_IMAGE`, `DIGEST_MISMATCH`, `FILE_NOT_FOUND`
 */
export async function readLayout(path: string, tag: string | undefined): Promise<LayoutImage> {
  const directory = resolve(path);
  const marker = Json.parse((await layoutFile(directory, 'oci-layout')).toString(), 'oci-layout');
  const version = marker.field('imageLayoutVersion').string();
  if (!version.startsWith('1.')) {
    throw invalid(directory, `layout version ${version} is unknown`);
  }
  const index = Json.parse((await layoutFile(directory, 'index.json')).toString(), 'index.json');
  const chosen = chooseTag(index.field('manifests').list(), directory, tag);
  const manifest = await resolveManifest(directory, chosen);
  const config = blobOf(directory, manifest.field('config'));
  const configuration = await document(config);
  const diffIds = configuration.field('rootfs').field('diff_ids').list();
  const layers = manifest.field('layers').list();
  if (layers.length === 0) throw invalid(directory, 'an image without layers');
  if (layers.length !== diffIds.length) {
    throw invalid(directory, `${layers.length} layers and ${diffIds.length} diff ids`);
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

/** Follows indexes to the manifest of this platform. */
async function resolveManifest(directory: string, descriptor: Json, depth = 0): Promise<Json> {
  const blob = blobOf(directory, descriptor);
  const content = await document(blob);
  const isIndex = INDEXES.has(blob.mediaType) || !content.field('manifests').missing;
  if (!isIndex) return content;
  if (depth > MAX_INDEX_DEPTH) throw invalid(blob.digest, 'indexes are nested too deeply');
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const entries = content.field('manifests').list();
  const match = entries.find((entry) => {
    const platform = entry.field('platform');
    if (platform.missing) return entries.length === 1;
    const { value: os } = platform.field('os');
    return os === 'linux' && platform.field('architecture').value === architecture;
  });
  if (match !== undefined) return resolveManifest(directory, match, depth + 1);
  throw new CtrError('IMAGE_NOT_FOUND', `open ${blob.digest}: no image for linux/${architecture}`, {
    hint: 'copy the image for this platform into the layout',
  });
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
  await checkSize(blob);
  if (blob.size > MAX_DOCUMENT_BYTES) throw invalid(blob.digest, `${blob.size} bytes are too many`);
  const bytes = await read(blob.path);
  const found = digestOf(bytes);
  if (found !== blob.digest) throw damaged(blob.path, `its digest is ${found}`);
  return Json.parse(bytes.toString(), blob.digest);
}

/** @throws CtrError when the blob is not there or not as long as its descriptor says */
export async function checkSize({ path, size }: Blob): Promise<void> {
  const found = await stat(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  if (found.size !== size) throw damaged(path, `it has ${found.size} bytes in place of ${size}`);
}

function configOf(document: Json): ImageConfig {
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
  };
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

function invalid(what: string, why: string): CtrError {
  return new CtrError('INVALID_IMAGE', `read ${what}: ${why}`);
}

function damaged(path: string, why: string): CtrError {
  return new CtrError('DIGEST_MISMATCH', `read ${path}: ${why}`, {
    hint: 'the layout is damaged: copy the image again',
  });
}
