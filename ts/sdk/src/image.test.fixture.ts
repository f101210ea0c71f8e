/** Small images, in a layout or behind HTTP. A container on one runs our init only. */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPlatform, type Platform } from '@ctr-ts/image';
import { onTestFinished } from 'vitest';

const TYPE = 'application/vnd.oci.image';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

export interface TestImage {
  blobs: Map<string, Buffer>;
  manifest: Descriptor & { platform: Platform };
  /** Digest of its config. */
  id: string;
}

/** An image with one file that holds `text`, several times over. */
export function makeImage(
  text: string,
  platform: Platform = hostPlatform(),
  layers = 1,
): TestImage {
  const blobs = new Map<string, Buffer>();
  const blob = (mediaType: string, content: string | Buffer): Descriptor => {
    const bytes = Buffer.from(content);
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    blobs.set(digest, bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-sdk-'));
  writeFileSync(join(directory, 'file'), text);
  const layer = blob(`${TYPE}.layer.v1.tar`, execFileSync('tar', ['-C', directory, '-c', 'file']));
  rmSync(directory, { recursive: true });
  const all = Array.from({ length: layers }, () => layer);
  const rootfs = { type: 'layers', diff_ids: all.map(({ digest }) => digest) };
  const config = blob(
    `${TYPE}.config.v1+json`,
    JSON.stringify({ ...platform, config: {}, rootfs }),
  );
  const document = { schemaVersion: 2, config, layers: all };
  const manifest = blob(`${TYPE}.manifest.v1+json`, JSON.stringify(document));
  return { blobs, manifest: { ...manifest, platform }, id: config.digest };
}

/** Writes a layout with this one image. Returns what names it. */
export function writeLayout(directory: string, { blobs, manifest }: TestImage): string {
  const path = join(directory, 'blobs/sha256');
  mkdirSync(path, { recursive: true });
  for (const [digest, bytes] of blobs) writeFileSync(join(path, digest.slice(7)), bytes);
  const index = { schemaVersion: 2, manifests: [manifest] };
  writeFileSync(join(directory, 'index.json'), JSON.stringify(index));
  writeFileSync(join(directory, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return `oci:${directory}`;
}

export interface TestRegistry {
  /** Gives a tag to an image, or to an index of several. Returns what names it. */
  push(tag: string, ...images: TestImage[]): string;
  /** Paths that were asked for. */
  requests: string[];
}

/** A registry on loopback, until the test ends. */
export async function serveImages(): Promise<TestRegistry> {
  const bodies = new Map<string, { type: string; bytes: Buffer }>();
  const requests: string[] = [];
  const server = createServer(({ method, url = '' }, response) => {
    requests.push(url);
    const body = bodies.get(url.slice(url.lastIndexOf('/') + 1));
    if (body === undefined) return response.writeHead(404).end();
    const digest = `sha256:${createHash('sha256').update(body.bytes).digest('hex')}`;
    response.writeHead(200, {
      'content-type': body.type,
      'content-length': body.bytes.length,
      'docker-content-digest': digest,
    });
    return response.end(method === 'HEAD' ? undefined : body.bytes);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    push: (tag, ...images) => {
      const [only] = images;
      for (const { blobs, manifest } of images) {
        for (const [digest, bytes] of blobs) {
          const type = digest === manifest.digest ? manifest.mediaType : 'application/octet-stream';
          bodies.set(digest, { type, bytes });
        }
      }
      const manifests = images.map(({ manifest }) => manifest);
      const type = `${TYPE}.index.v1+json`;
      const index = { schemaVersion: 2, mediaType: type, manifests };
      const top = images.length === 1 ? bodies.get(only?.manifest.digest ?? '') : undefined;
      bodies.set(tag, top ?? { type, bytes: Buffer.from(JSON.stringify(index)) });
      return `127.0.0.1:${port}/test/image:${tag}`;
    },
  };
}
