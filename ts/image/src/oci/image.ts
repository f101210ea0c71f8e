/**
 * From what a reference named to one image: through indexes to the manifest of a platform, and its
 * config. Where the documents come from is the caller's: a layout, the store or a registry.
 */

import { CtrError } from '@ctr-ts/native';
import { type Digest, digestOf } from '../digest.ts';
import { choosePlatform, formatPlatform, type Platform, runsOn } from '../platform.ts';
import { type ImageConfig, platformOf, readConfig } from './config.ts';
import {
  CONFIG_TYPES,
  type Descriptor,
  INDEX_TYPES,
  MANIFEST_TYPES,
  readDescriptor,
} from './descriptor.ts';
import { Json } from './json.ts';

/** Reads the bytes of a document; of them at most so many as its descriptor says. */
export type ReadDocument = (
  descriptor: Descriptor,
  kind: 'manifest' | 'config',
) => Promise<Uint8Array>;

/** A layer with what its content must be. */
export interface LayerDescriptor extends Descriptor {
  diffId: Digest;
}

/** One image. */
export interface ResolvedImage {
  /** Indexes on the way, the manifest and the config, with their verified bytes. */
  documents: { descriptor: Descriptor; bytes: Uint8Array }[];
  manifest: Descriptor;
  config: Descriptor;
  /** Lowest first. */
  layers: LayerDescriptor[];
  image: ImageConfig;
  platform: Platform;
  createdAt: string | undefined;
}

export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
const MAX_CONFIG_BYTES = 16 * 1024 * 1024;
/** As docker. An overlay takes as many in one page of options, by descriptor. */
const MAX_LAYERS = 127;
const MAX_INDEX_DEPTH = 4;
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/**
 * Resolves a descriptor to the image for a platform.
 *
 * @throws CtrError `INVALID_IMAGE`, `DIGEST_MISMATCH`, `PLATFORM_NOT_FOUND`, and what `read` throws
 */
export async function resolveImage(
  top: Descriptor,
  wanted: Platform,
  read: ReadDocument,
): Promise<ResolvedImage> {
  const documents: ResolvedImage['documents'] = [];
  const open = async (descriptor: Descriptor, kind: 'manifest' | 'config'): Promise<Json> => {
    const bytes = await readVerified(descriptor, kind, read);
    documents.push({ descriptor, bytes });
    return Json.parse(Buffer.from(bytes).toString(), descriptor.digest);
  };
  let manifest = top;
  let content = await open(manifest, 'manifest');
  for (let depth = 0; isIndex(manifest, content); depth += 1) {
    if (depth > MAX_INDEX_DEPTH) throw invalid(manifest.digest, 'indexes are nested too deeply');
    manifest = chooseManifest(content, manifest.digest, wanted);
    content = await open(manifest, 'manifest');
  }
  checkManifest(manifest, content);
  const config = readDescriptor(content.field('config'));
  if (!CONFIG_TYPES.includes(config.mediaType)) {
    throw invalid(manifest.digest, `a config of type ${config.mediaType} belongs to no container`);
  }
  const layers = content.field('layers').list().map(readDescriptor);
  if (layers.length === 0) throw invalid(manifest.digest, 'an image without layers');
  if (layers.length > MAX_LAYERS) {
    throw invalid(manifest.digest, `${layers.length} layers are more than ${MAX_LAYERS}`);
  }
  const { image, platform = wanted, diffIds, createdAt } = readConfig(await open(config, 'config'));
  if (layers.length !== diffIds.length) {
    throw invalid(manifest.digest, `${layers.length} layers and ${diffIds.length} diff ids`);
  }
  if (!runsOn(platform, wanted)) throw platformNotFound(manifest.digest, wanted, [platform]);
  return {
    documents,
    manifest,
    config,
    layers: layers.map((layer, index) => ({ ...layer, diffId: diffIds[index] as Digest })),
    image,
    platform,
    createdAt,
  };
}

/** Whether a document leads to others. What it says counts where its descriptor is vague. */
function isIndex({ mediaType }: Descriptor, content: Json): boolean {
  return INDEX_TYPES.includes(mediaType) || !content.field('manifests').missing;
}

function chooseManifest(index: Json, digest: Digest, wanted: Platform): Descriptor {
  const entries = index
    .field('manifests')
    .list()
    .filter((entry) => !isAttestation(entry))
    .map((entry) => ({ descriptor: readDescriptor(entry), platform: platformOfEntry(entry) }));
  const [only] = entries;
  // An index of one image need not say what it is for: its config does.
  if (entries.length === 1 && only !== undefined && only.platform === undefined) {
    return only.descriptor;
  }
  const candidates = entries.flatMap(({ descriptor, platform }) =>
    platform === undefined ? [] : [{ descriptor, platform }],
  );
  const chosen = choosePlatform(candidates, wanted);
  if (chosen !== undefined) return chosen.descriptor;
  const found = candidates.map(({ platform }) => platform);
  throw platformNotFound(digest, wanted, found);
}

/** What BuildKit puts beside images: statements about them, for the platform unknown/unknown. */
function isAttestation(entry: Json): boolean {
  const platform = entry.field('platform');
  if (!platform.missing && platform.field('os').value === 'unknown') return true;
  return 'vnd.docker.reference.type' in entry.field('annotations').stringMap();
}

function platformOfEntry(entry: Json): Platform | undefined {
  const platform = entry.field('platform');
  return platform.missing ? undefined : platformOf(platform);
}

function checkManifest({ mediaType, digest }: Descriptor, content: Json): void {
  const said = content.field('mediaType').optionalString() ?? mediaType;
  if (SCHEMA_1.test(said) || SCHEMA_1.test(mediaType) || content.field('schemaVersion').value === 1)
    throw new CtrError('INVALID_IMAGE', `read ${digest}: a manifest of docker's old schema 1`, {
      hint: 'push the image again with a current docker, podman or skopeo',
    });
  if (MANIFEST_TYPES.includes(said) || !content.field('config').missing) return;
  throw invalid(digest, `${said || 'a document without a type'} is no image`);
}

async function readVerified(
  descriptor: Descriptor,
  kind: 'manifest' | 'config',
  read: ReadDocument,
): Promise<Uint8Array> {
  const { digest, size } = descriptor;
  const limit = kind === 'manifest' ? MAX_MANIFEST_BYTES : MAX_CONFIG_BYTES;
  if (size > limit) throw invalid(digest, `${size} bytes are too many`);
  const bytes = await read(descriptor, kind);
  if (bytes.length !== size) {
    throw damaged(digest, `it has ${bytes.length} bytes in place of ${size}`);
  }
  const found = digestOf(bytes);
  if (found !== digest) throw damaged(digest, `its digest is ${found}`);
  return bytes;
}

function platformNotFound(digest: Digest, wanted: Platform, found: readonly Platform[]): CtrError {
  const names = [...new Set(found.map(formatPlatform))].join(', ');
  const what = `open ${digest}: no image for ${formatPlatform(wanted)}`;
  return new CtrError('PLATFORM_NOT_FOUND', what, {
    hint: names === '' ? 'it names no platform at all' : `there is ${names}`,
  });
}

function invalid(what: string, why: string): CtrError {
  return new CtrError('INVALID_IMAGE', `read ${what}: ${why}`);
}

function damaged(digest: Digest, why: string): CtrError {
  return new CtrError('DIGEST_MISMATCH', `read ${digest}: ${why}`, {
    hint: 'the image is damaged: copy it again',
  });
}
