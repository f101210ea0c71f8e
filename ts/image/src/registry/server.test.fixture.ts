/** A registry that does what a test tells it to, over real HTTP on loopback. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import { type Digest, digestOf } from '../digest.ts';
import { hostPlatform, type Platform } from '../platform.ts';
import { parseRegistryReference, type RegistryReference } from '../registry-reference.ts';

export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const INDEX = 'application/vnd.oci.image.index.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

export interface FixtureBlob {
  mediaType: string;
  digest: Digest;
  size: number;
}

/** Handles a request in place of the registry; `false` leaves it to the registry. */
export type Intercept = (
  request: IncomingMessage,
  response: ServerResponse,
) => boolean | undefined | Promise<boolean | undefined>;

/** A registry. */
export class FixtureRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly blobs = new Map<string, Buffer>();
  /** By tag or digest. */
  readonly manifests = new Map<string, { mediaType: string; bytes: Buffer }>();
  /** All requests, as `GET /v2/...`. */
  readonly requests: { line: string; headers: IncomingMessage['headers'] }[] = [];
  intercept: Intercept = () => false;

  readonly stop: () => Promise<void>;

  private constructor(host: string, stop: () => Promise<void>) {
    this.host = host;
    this.stop = stop;
  }

  static async start(): Promise<FixtureRegistry> {
    let registry: FixtureRegistry | undefined;
    const server = createServer((request, response) => {
      registry?.answer(request, response).catch(() => response.destroy());
    });
    const { port, stop } = await listen(server);
    registry = new FixtureRegistry(`127.0.0.1:${port}`, stop);
    return registry;
  }

  reference(name = 'test/image:1'): RegistryReference {
    return parseRegistryReference(`${this.host}/${name}`);
  }

  blob(content: string | Buffer, mediaType = LAYER): FixtureBlob {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  manifest(content: object, tag?: string): FixtureBlob {
    const mediaType = 'manifests' in content ? INDEX : MANIFEST;
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...content }));
    const digest = digestOf(bytes);
    for (const name of [digest, ...(tag === undefined ? [] : [tag])]) {
      this.manifests.set(name, { mediaType, bytes });
    }
    return { mediaType, digest, size: bytes.length };
  }

  /** An image of one layer per text, each a file `layer-N` with that text. */
  image(texts: readonly string[], options: FixtureImageOptions = {}): FixtureImage {
    const { tag, platform = hostPlatform(), user = '' } = options;
    const tars = texts.map((text, index) => tarOf({ [`layer-${index}`]: text }));
    const layers = tars.map((tar) => this.blob(gzipSync(tar)));
    const diffIds = options.diffIds ?? tars.map((tar) => digestOf(tar));
    const document = {
      ...platform,
      created: '2026-01-02T03:04:05Z',
      config: { Env: ['PATH=/bin'], User: user },
      rootfs: { type: 'layers', diff_ids: diffIds },
    };
    const config = this.blob(JSON.stringify(document), CONFIG);
    const manifest = this.manifest({ config, layers }, tag);
    return { manifest, config, layers };
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push({ line: `${request.method} ${request.url}`, headers: request.headers });
    if ((await this.intercept(request, response)) === true) return;
    const [, kind, name = ''] =
      /^\/v2\/.+\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? [];
    const manifest = kind === 'manifests' ? this.manifests.get(name) : undefined;
    const bytes = manifest?.bytes ?? (kind === 'blobs' ? this.blobs.get(name) : undefined);
    if (bytes === undefined) return refuse(response, 404, 'NOT_FOUND', 'nothing of that name');
    const mediaType = manifest?.mediaType ?? 'application/octet-stream';
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      'content-type': mediaType,
      'content-length': bytes.length - from,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
      ...(manifest === undefined ? {} : { 'docker-content-digest': digestOf(bytes) }),
    });
    response.end(request.method === 'HEAD' ? undefined : bytes.subarray(from));
  }
}

export interface FixtureImageOptions {
  tag?: string;
  platform?: Platform | Record<string, never>;
  user?: string;
  diffIds?: readonly string[];
}

export interface FixtureImage {
  manifest: FixtureBlob;
  config: FixtureBlob;
  layers: FixtureBlob[];
}

/** Listens on loopback until the test ends. */
export async function listen(
  server: ReturnType<typeof createServer>,
): Promise<{ port: number; stop: () => Promise<void> }> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const stop = async () => {
    if (!server.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(stop);
  return { port: (server.address() as AddressInfo).port, stop };
}

export function refuse(
  response: ServerResponse,
  status: number,
  code = 'UNKNOWN',
  message = 'no',
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

/** A tar archive (POSIX ustar) of plain files. */
export function tarOf(files: Readonly<Record<string, string | Buffer>>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const bytes = Buffer.from(content);
    return [headerOf(name, bytes.length), bytes, Buffer.alloc(-bytes.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function headerOf(name: string, size: number): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number) =>
    `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(size, 12), 124);
  header.write(octal(1_700_000_000, 12), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}
