/** OCI image layouts on disk, made byte by byte, so that tests can make them lie. */

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Digest, digestOf, hexOf } from '../digest.ts';

export const GZIP_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';

export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
  platform?: { os: string; architecture: string };
}

export interface ImageOptions {
  /** Contents of the layers; a tar is what the unpacker makes of it. */
  layers?: string[];
  mediaType?: string;
  config?: Record<string, unknown>;
  diffIds?: unknown;
}

/** A layout being written. */
export class LayoutWriter {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Writes a blob and returns its descriptor. */
  async blob(mediaType: string, content: string | Uint8Array): Promise<Descriptor> {
    const digest = digestOf(content);
    const directory = join(this.directory, 'blobs/sha256');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, hexOf(digest)), content);
    return { mediaType, digest, size: Buffer.byteLength(content) };
  }

  document(mediaType: string, content: unknown): Promise<Descriptor> {
    return this.blob(mediaType, JSON.stringify(content));
  }

  /** Writes an image and returns its manifest's descriptor. */
  async image(options: ImageOptions = {}): Promise<Descriptor> {
    const { layers = ['one'], mediaType = GZIP_LAYER, config = {} } = options;
    const descriptors = [];
    for (const layer of layers) descriptors.push(await this.blob(mediaType, gzipSync(layer)));
    const diffIds = options.diffIds ?? layers.map((layer): Digest => digestOf(layer));
    const configuration = { rootfs: { type: 'layers', diff_ids: diffIds }, config };
    return this.document(MANIFEST, {
      schemaVersion: 2,
      config: await this.document(CONFIG, configuration),
      layers: descriptors,
    });
  }

  /** Writes an index and returns its descriptor. */
  nested(manifests: Descriptor[]): Promise<Descriptor> {
    return this.document(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
  }

  /** Writes the files that make the directory a layout. */
  async finish(manifests: unknown, version: unknown = '1.0.0'): Promise<string> {
    await mkdir(this.directory, { recursive: true });
    const marker = JSON.stringify({ imageLayoutVersion: version });
    await writeFile(join(this.directory, 'oci-layout'), marker);
    const index = JSON.stringify({ schemaVersion: 2, manifests });
    await writeFile(join(this.directory, 'index.json'), index);
    return this.directory;
  }
}

/** A descriptor with a tag. */
export function tagged(descriptor: Descriptor, tag: string): Descriptor {
  return { ...descriptor, annotations: { 'org.opencontainers.image.ref.name': tag } };
}

/** The name the image spec has for this machine. */
export const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
