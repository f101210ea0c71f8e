import { readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { digestOf } from '../digest.ts';
import { hostPlatform } from '../platform.ts';
import {
  type FixtureImage,
  type FixtureRegistry,
  refuse,
  tarOf,
} from '../registry/server.test.fixture.ts';
import { blobName } from '../store/blobs.ts';
import type { PullEvent } from './event.ts';
import { contentOf, filesOf, IMPATIENT, makeScene, type Scene } from './pull.test.fixture.ts';

interface Failure {
  title: string;
  code: string | RegExp;
  /** Of the message or the hint. */
  says?: string | RegExp;
  /** Makes the registry answer wrongly until `heal`. */
  spoil(registry: FixtureRegistry, image: FixtureImage): void;
}

/** Big enough to come in several pieces, and different from layer to layer. */
const text = (seed: string) =>
  Array.from({ length: 6000 }, (_, i) => digestOf(`${seed}${i}`)).join('');
const texts = [text('a'), 'two', text('c')];

const answerTo =
  (part: string, answer: (response: ServerResponse, request: IncomingMessage) => void) =>
  (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.url?.includes(part) !== true) return false;
    answer(response, request);
    return true;
  };

const layerOf = ({ layers }: FixtureImage, index = 0) => layers[index]?.digest ?? '';
const bytesOf = (registry: FixtureRegistry, digest: string) =>
  registry.blobs.get(digest) ?? Buffer.alloc(0);

/** Another manifest under the tag. */
function remake(
  registry: FixtureRegistry,
  change: (manifest: { layers: object[] }) => object,
): void {
  const manifest = JSON.parse(registry.manifests.get('1')?.bytes.toString() ?? '');
  registry.manifest(change(manifest), '1');
}

const failures: Failure[] = [
  {
    title: 'a layer has other bytes than its digest says',
    code: 'DIGEST_MISMATCH',
    spoil: (registry, image) => {
      const bytes = Buffer.from(bytesOf(registry, layerOf(image, 2)));
      bytes[100] = (bytes[100] ?? 0) ^ 1;
      registry.intercept = answerTo(layerOf(image, 2), (response) => response.end(bytes));
    },
  },
  {
    title: 'a layer is cut short and says so',
    code: 'DIGEST_MISMATCH',
    says: /it has 1000 bytes in place of \d+/,
    spoil: (registry, image) => {
      const bytes = bytesOf(registry, layerOf(image)).subarray(0, 1000);
      registry.intercept = answerTo(layerOf(image), (response) => response.end(bytes));
    },
  },
  {
    title: 'a layer is cut short and does not say so',
    code: 'DIGEST_MISMATCH',
    says: /it has 1000 bytes in place of \d+/,
    spoil: (registry, image) => {
      const bytes = bytesOf(registry, layerOf(image)).subarray(0, 1000);
      registry.intercept = answerTo(layerOf(image), (response) => {
        response.write(bytes);
        response.end();
      });
    },
  },
  {
    title: 'a layer is longer than its descriptor, by far',
    code: 'DIGEST_MISMATCH',
    says: /it has more than \d+ bytes/,
    spoil: (registry, image) => {
      registry.intercept = answerTo(layerOf(image), (response) => {
        const more = () => {
          if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(more));
        };
        more();
      });
    },
  },
  {
    title: 'the content of a layer is not what its diff id says',
    code: 'DIFFID_MISMATCH',
    spoil: (registry) => {
      const diffIds = texts.map((_, index) => digestOf(`${index}`));
      registry.image(texts, { tag: '1', diffIds });
    },
  },
  {
    title: 'a layer is no archive',
    code: /^LAYER_/,
    spoil: (registry) => {
      const layer = registry.blob(Buffer.alloc(4096, 'x'));
      remake(registry, ({ layers, ...rest }) => ({ ...rest, layers: [layer, ...layers.slice(1)] }));
    },
  },
  {
    title: 'the last layer is no archive, after others were unpacked',
    code: /^LAYER_/,
    spoil: (registry) => {
      const layer = registry.blob(gzipSync(Buffer.alloc(4096, 'x')));
      remake(registry, ({ layers, ...rest }) => ({
        ...rest,
        layers: [...layers.slice(0, -1), layer],
      }));
    },
  },
  {
    title: 'there are more layers than a container can have',
    code: 'INVALID_IMAGE',
    says: '128 layers are more than 127',
    spoil: (registry) => {
      registry.image(
        Array.from({ length: 128 }, (_, index) => `${index}`),
        { tag: '1' },
      );
      registry.intercept = answerTo('/blobs/', (response, request) => {
        const digest = request.url?.split('/').at(-1) ?? '';
        const config = bytesOf(registry, digest);
        // Nothing but the config is asked for.
        if (config[0] === '{'.charCodeAt(0)) response.end(config);
        else refuse(response, 500);
      });
    },
  },
  {
    title: 'a layer is packed in zstd',
    code: 'NOT_YET',
    says: 'gzip',
    spoil: (registry) => {
      const layer = registry.blob(tarOf({}), 'application/vnd.oci.image.layer.v1.tar+zstd');
      remake(registry, ({ layers, ...rest }) => ({ ...rest, layers: [layer, ...layers.slice(1)] }));
    },
  },
  {
    title: 'a layer is missing',
    code: 'IMAGE_NOT_FOUND',
    spoil: (registry, image) => {
      registry.intercept = answerTo(layerOf(image, 1), (response) => refuse(response, 404));
    },
  },
  {
    title: 'there is no such tag',
    code: 'IMAGE_NOT_FOUND',
    says: 'MANIFEST_UNKNOWN: there is none',
    spoil: (registry) => {
      registry.intercept = answerTo('/manifests/1', (response) =>
        refuse(response, 404, 'MANIFEST_UNKNOWN', 'there is none'),
      );
    },
  },
  {
    title: 'the image is for other platforms',
    code: 'PLATFORM_NOT_FOUND',
    says: 'there is linux/s390x, linux/arm/v5',
    spoil: (registry) => {
      const platforms = [
        { os: 'linux', architecture: 's390x' },
        { os: 'linux', architecture: 'arm', variant: 'v5' },
        { os: 'unknown', architecture: 'unknown' },
      ];
      const manifests = platforms.map((platform) => ({
        ...registry.image(['x'], { platform }).manifest,
        platform,
      }));
      registry.manifest({ manifests }, '1');
    },
  },
  {
    title: 'the only image is for another platform',
    code: 'PLATFORM_NOT_FOUND',
    says: 'there is linux/s390x',
    spoil: (registry) => {
      registry.image(['x'], { tag: '1', platform: { os: 'linux', architecture: 's390x' } });
    },
  },
  {
    title: 'the manifest is not what its digest header says',
    code: 'DIGEST_MISMATCH',
    spoil: (registry) => {
      registry.intercept = answerTo('/manifests/1', (response) => {
        response.setHeader('docker-content-digest', digestOf('other'));
        response.end('{}');
      });
    },
  },
  {
    title: 'the manifest is no JSON',
    code: 'INVALID_IMAGE',
    spoil: (registry) => {
      registry.intercept = answerTo('/manifests/1', (response) => response.end('<html>'));
    },
  },
  {
    title: 'the manifest is no manifest',
    code: 'INVALID_IMAGE',
    spoil: (registry) => {
      registry.intercept = answerTo('/manifests/1', (response) => response.end('[]'));
    },
  },
  {
    title: 'the manifest is of schema 1',
    code: 'INVALID_IMAGE',
    says: 'push the image again',
    spoil: (registry) => {
      const document = { schemaVersion: 1, name: 'test/image', tag: '1', fsLayers: [] };
      registry.intercept = answerTo('/manifests/1', (response) => {
        response.setHeader(
          'content-type',
          'application/vnd.docker.distribution.manifest.v1+prettyjws',
        );
        response.end(JSON.stringify(document));
      });
    },
  },
  {
    title: 'the manifest is of something else than a container',
    code: 'INVALID_IMAGE',
    says: 'application/vnd.cncf.helm.config.v1+json',
    spoil: (registry) => {
      const config = registry.blob('{}', 'application/vnd.cncf.helm.config.v1+json');
      remake(registry, (manifest) => ({ ...manifest, config }));
    },
  },
  {
    title: 'the manifest has no end',
    code: 'INVALID_IMAGE',
    says: 'larger than 4 MiB',
    spoil: (registry) => {
      registry.intercept = answerTo('/manifests/1', (response) => {
        const more = () => {
          if (!response.destroyed)
            response.write(Buffer.alloc(65_536, ' '), () => setImmediate(more));
        };
        more();
      });
    },
  },
  {
    title: 'the config is longer than its descriptor',
    code: 'DIGEST_MISMATCH',
    spoil: (registry, { config }) => {
      registry.intercept = answerTo(config.digest, (response) =>
        response.end(Buffer.alloc(config.size + 1)),
      );
    },
  },
  {
    title: 'the config is said to be enormous',
    code: 'INVALID_IMAGE',
    says: 'too many',
    spoil: (registry) =>
      remake(registry, (manifest) => ({
        ...manifest,
        config: {
          ...registry.blob('{}'),
          mediaType: 'application/vnd.oci.image.config.v1+json',
          size: 2 ** 30,
        },
      })),
  },
  {
    title: 'the registry refuses without a challenge',
    code: 'REGISTRY_UNAUTHORIZED',
    spoil: (registry) => {
      registry.intercept = answerTo('/v2/', (response) => refuse(response, 401));
    },
  },
  {
    title: 'the registry wants credentials',
    code: 'REGISTRY_UNAUTHORIZED',
    says: 'login',
    spoil: (registry) => {
      registry.intercept = answerTo('/v2/', (response) =>
        refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' }),
      );
    },
  },
  {
    title: 'the challenge is not one',
    code: 'REGISTRY_ERROR',
    spoil: (registry) => {
      registry.intercept = answerTo('/v2/', (response) =>
        refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Bearer realm="x' }),
      );
    },
  },
  {
    title: 'the image is forbidden',
    code: 'REGISTRY_UNAUTHORIZED',
    says: 'DENIED: not for you',
    spoil: (registry) => {
      registry.intercept = answerTo('/v2/', (response) =>
        refuse(response, 403, 'DENIED', 'not for\x07 \nyou'),
      );
    },
  },
  {
    title: 'the registry answers 500 for ever',
    code: 'REGISTRY_ERROR',
    spoil: (registry) => {
      registry.intercept = answerTo('/v2/', (response) => refuse(response, 500));
    },
  },
  {
    title: 'a connection is dropped in the middle of a layer again and again',
    code: 'REGISTRY_UNREACHABLE',
    says: 'the connection was dropped',
    spoil: (registry, image) => {
      const bytes = bytesOf(registry, layerOf(image));
      registry.intercept = answerTo(layerOf(image), (response) => {
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 5000), () => response.destroy());
      });
    },
  },
  {
    title: 'a layer stalls for ever',
    code: 'REGISTRY_UNREACHABLE',
    says: 'nothing came for 300 ms',
    spoil: (registry, image) => {
      const bytes = bytesOf(registry, layerOf(image));
      registry.intercept = answerTo(layerOf(image), (response) => {
        response.writeHead(200, { 'content-length': bytes.length });
        response.write(bytes.subarray(0, 5000));
      });
    },
  },
  {
    title: 'redirects go round in circles',
    code: 'REGISTRY_ERROR',
    says: 'redirects',
    spoil: (registry, image) => {
      registry.intercept = answerTo(layerOf(image), (response, { url }) =>
        response.writeHead(307, { location: url }).end(),
      );
    },
  },
  {
    title: 'a redirect leads off this machine without TLS',
    code: 'REGISTRY_ERROR',
    says: 'it redirects to http://registry.example',
    spoil: (registry, image) => {
      registry.intercept = answerTo(layerOf(image), (response) =>
        response.writeHead(302, { location: 'http://registry.example/blob' }).end(),
      );
    },
  },
  {
    title: 'a redirect leads to a file',
    code: 'REGISTRY_ERROR',
    spoil: (registry, image) => {
      registry.intercept = answerTo(layerOf(image), (response) =>
        response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
      );
    },
  },
];

async function spoiled(scene: Scene, { spoil }: Failure): Promise<void> {
  const image = scene.registry.image(texts, { tag: '1' });
  spoil(scene.registry, image);
}

test.each(failures)(
  '$title: a coded error, nothing stays, and the next pull works',
  async (failure) => {
    const scene = await makeScene();
    await spoiled(scene, failure);
    const error = await scene.pull().then(
      () => expect.fail('it was pulled'),
      (error: unknown) => error as { code: string; message: string; hint?: string },
    );
    expect(error.code, error.message).toMatch(failure.code);
    expect(`${error.message} ${error.hint}`).toMatch(failure.says ?? '');
    expect(error.message).not.toMatch(/\p{C}/u);
    expect(await contentOf(scene.store)).toEqual([]);

    scene.registry.intercept = () => false;
    scene.registry.image(texts, { tag: '1' });
    await scene.pull();
    expect(await filesOf(scene, scene.registry.reference())).toEqual({
      'layer-0': texts[0],
      'layer-1': texts[1],
      'layer-2': texts[2],
    });
  },
);

test('a failed pull leaves what another image brought', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  registry.image(['one'], { tag: '1' });
  await pull();
  const held = await contentOf(store);
  registry.image(['one', 'two'], {
    tag: '2',
    diffIds: [digestOf(tarOf({ 'layer-0': 'one' })), digestOf('x')],
  });
  const second = registry.reference('test/image:2');
  await expect(pull({}, second)).rejects.toMatchObject({ code: 'DIFFID_MISMATCH' });
  expect((await contentOf(store)).toSorted()).toEqual(held.toSorted());
  expect(await filesOf(scene, registry.reference())).toEqual({ 'layer-0': 'one' });
});

test('a pull that is given up when its layers are there already takes them away again', async () => {
  const { registry, store, pull, options } = await makeScene();
  registry.image(['one', 'two'], { tag: '1' });
  const abort = new AbortController();
  const giveUp = {
    signal: abort.signal,
    onEvent: (event: PullEvent) => {
      options.onEvent?.(event);
      if (event.type === 'layer' && event.state === 'unpacked') unpacked += 1;
      if (unpacked === 2) abort.abort(new Error('enough'));
    },
  };
  let unpacked = 0;
  const layersInUse = async () => new Set<string>();
  await expect(pull({ ...giveUp, layersInUse })).rejects.toThrow('enough');
  expect(await contentOf(store)).toEqual([]);
});

test.each(['index', 'manifest', 'config', 'layer'])(
  'a %s that was damaged in the store, without its length, is fetched again',
  async (kind) => {
    const scene = await makeScene();
    const { registry, store, pull } = scene;
    const { manifest, config, layers } = registry.image(texts, {});
    const index = registry.manifest(
      { manifests: [{ ...manifest, platform: hostPlatform() }] },
      '1',
    );
    const { image } = await pull();
    const { digest } = { index, manifest, config, layer: layers[1] }[kind] ?? expect.fail();
    const path = join(store.dataRoot, blobName(digest));
    const held = await readFile(path);
    const damaged = Buffer.from(held);
    damaged[held.length >> 1] = (held[held.length >> 1] ?? 0) ^ 1;
    await writeFile(path, damaged);
    // Of layers that are unpacked nobody needs the blobs.
    await rm(join(store.dataRoot, 'layers'), { recursive: true });
    const again = await pull();
    expect(again.upToDate).toBe(false);
    expect(again.image.config).toBe(image.config);
    expect((await readFile(path)).equals(held)).toBe(true);
    expect((await pull()).upToDate).toBe(true);
    expect(Object.keys(await filesOf(scene, registry.reference()))).toHaveLength(3);
  },
);

test('nobody at the address of a registry is said at once', async () => {
  const scene = await makeScene();
  const reference = scene.registry.reference();
  await scene.registry.stop();
  const refused = scene.pull({}, reference);
  await expect(refused).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('the connection was refused'),
  });
  expect(scene.events).toEqual([]);
  expect(await contentOf(scene.store)).toEqual([]);
});

test('a registry that never answers is given up', async () => {
  const scene = await makeScene();
  scene.registry.image(['one'], { tag: '1' });
  scene.registry.intercept = () => true;
  const network = { ...IMPATIENT, responseTimeoutMs: 200, attempts: 2 };
  await expect(scene.pull({ network })).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('no answer within 200 ms'),
  });
  expect(await contentOf(scene.store)).toEqual([]);
});

test.each(['before the manifest', 'in the middle of a layer', 'while waiting for another attempt'])(
  'an abort %s comes out as it went in, and leaves nothing',
  async (when) => {
    const scene = await makeScene();
    const { registry, store, pull } = scene;
    const image = registry.image(texts, { tag: '1' });
    const abort = new AbortController();
    const reason = new Error('enough');
    const part = when === 'before the manifest' ? '/manifests/' : layerOf(image);
    registry.intercept = answerTo(part, (response) => {
      if (when.startsWith('while')) {
        refuse(response, 503, 'BUSY', 'later', { 'retry-after': '60' });
        setTimeout(() => abort.abort(reason), 30);
        return;
      }
      if (when.startsWith('in')) response.write(bytesOf(registry, layerOf(image)).subarray(0, 100));
      setTimeout(() => abort.abort(reason), 30);
    });
    await expect(pull({ signal: abort.signal })).rejects.toBe(reason);
    expect(await contentOf(store)).toEqual([]);
    registry.intercept = () => false;
    await pull();
  },
);
