import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../digest.ts';
import { blobPath } from '../oci/layout.ts';
import { parseRegistryReference } from '../registry-reference.ts';
import { prepareImage } from '../root.ts';
import { findImage, listImages } from '../store/images.ts';
import { contentOf, filesOf, makeScene } from './pull.test.fixture.ts';

test('a pulled image is unpacked, recorded and found by its names', async () => {
  const scene = await makeScene();
  const { registry, store, events } = scene;
  const { manifest, config, layers } = registry.image(['one', 'two'], { tag: '1' });
  const { image, upToDate } = await scene.pull();
  expect(upToDate).toBe(false);
  expect(image).toEqual({
    references: [`${registry.host}/test/image:1`],
    digest: manifest.digest,
    manifest: manifest.digest,
    config: config.digest,
    platform: expect.objectContaining({ os: 'linux' }),
    createdAt: '2026-01-02T03:04:05Z',
    sizeBytes: [manifest, config, ...layers].reduce((sum, { size }) => sum + size, 0),
    pulledAt: expect.any(Number),
    parts: {
      documents: [manifest, config].map(({ digest, size }) => ({ digest, size })),
      layers: layers.map(({ digest, size }) => expect.objectContaining({ digest, size })),
    },
  });
  expect(await listImages(store)).toEqual([image]);
  expect(await findImage(store, registry.reference())).toEqual(image);
  const byDigest = registry.reference(`test/image@${manifest.digest}`);
  expect(await findImage(store, byDigest)).toEqual(image);
  expect(await findImage(store, registry.reference('test/other:1'))).toBeUndefined();
  expect(await filesOf(scene, registry.reference())).toEqual({
    'layer-0': 'one',
    'layer-1': 'two',
  });
  const states = events.flatMap((event) =>
    event.type === 'layer' && event.digest === layers[1]?.digest ? [event.state] : [],
  );
  expect(states).toEqual(['downloading', 'downloaded', 'unpacking', 'unpacked']);
  expect(events[0]).toEqual({
    type: 'manifest',
    reference: `${registry.host}/test/image:1`,
    digest: manifest.digest,
    layers: layers.map(({ digest, size }) => ({ digest, size })),
  });
});

test('the store is a layout that only its owner reads', async () => {
  const { registry, store, pull } = await makeScene();
  const { layers } = registry.image(['one'], { tag: '1' });
  await pull();
  const path = blobPath(store.dataRoot, layers[0]?.digest ?? digestOf(''));
  expect(digestOf(await readFile(path))).toBe(layers[0]?.digest);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const marker = JSON.parse(await readFile(join(store.dataRoot, 'oci-layout'), 'utf8'));
  expect(marker).toEqual({ imageLayoutVersion: '1.0.0' });
});

test('what is up to date costs one request', async () => {
  const { registry, pull } = await makeScene();
  registry.image(['one'], { tag: '1' });
  await pull();
  registry.requests.length = 0;
  const { upToDate } = await pull();
  expect(upToDate).toBe(true);
  expect(registry.requests.map(({ line }) => line)).toEqual(['HEAD /v2/test/image/manifests/1']);
});

test('of a newer image only what is new is fetched, and the older one stays without a name', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  const old = registry.image(['one', 'two'], { tag: '1' });
  await pull();
  const newer = registry.image(['one', 'three'], { tag: '1' });
  registry.requests.length = 0;
  expect((await pull()).upToDate).toBe(false);
  const blobs = registry.requests.filter(({ line }) => line.includes('/blobs/'));
  expect(blobs.map(({ line }) => line.split('/').at(-1)).toSorted()).toEqual(
    [newer.config.digest, newer.layers[1]?.digest].toSorted(),
  );
  expect(await filesOf(scene, registry.reference())).toEqual({
    'layer-0': 'one',
    'layer-1': 'three',
  });
  const images = await listImages(store);
  expect(images.map(({ config, references }) => [config, references.length])).toEqual([
    [newer.config.digest, 1],
    [old.config.digest, 0],
  ]);
  // When a reference names it again, it is one image again.
  registry.image(['one', 'two'], { tag: '2' });
  await pull({}, registry.reference('test/image:2'));
  expect((await listImages(store)).map(({ references }) => references.length)).toEqual([1, 1]);
});

test('an image that was found is the one that is prepared, though its reference moves on', async () => {
  const { registry, store, pull, options } = await makeScene();
  registry.image(['old'], { tag: '1' });
  await pull();
  const found = (await findImage(store, registry.reference())) ?? expect.fail('no image');
  registry.image(['new'], { tag: '1' });
  await pull();
  const upper = { kind: 'tmpfs', sizeBytes: null } as const;
  const { root, release } = await prepareImage(found, { ...options, upper, node: false });
  await release();
  const [lower = ''] = root.kind === 'overlay' ? root.lower : [];
  expect(await readFile(join(lower, 'layer-0'), 'utf8')).toBe('old');
});

test('an image whose layers are all the same is one blob', async () => {
  const scene = await makeScene();
  const { registry, pull } = scene;
  const layer = registry.image(['same'], {}).layers[0];
  if (layer === undefined) throw new Error('no layer');
  const { config, layers } = registry.image(['same'], { tag: '1' });
  const document = JSON.parse(registry.blobs.get(config.digest)?.toString() ?? '');
  document.rootfs.diff_ids.push(...document.rootfs.diff_ids);
  const twice = registry.blob(JSON.stringify(document), config.mediaType);
  registry.manifest({ config: twice, layers: [...layers, ...layers] }, '1');
  await pull();
  expect(registry.requests.filter(({ line }) => line.endsWith(layer.digest))).toHaveLength(1);
  expect(await filesOf(scene, registry.reference())).toEqual({ 'layer-0': 'same' });
});

test('an index leads to the image of the platform, past statements about images', async () => {
  const scene = await makeScene();
  const { registry, pull } = scene;
  const entries = [
    { platform: { os: 'unknown', architecture: 'unknown' }, texts: ['statement'] },
    { platform: { os: 'linux', architecture: 'arm', variant: 'v6' }, texts: ['v6'] },
    { platform: { os: 'linux', architecture: 'arm', variant: 'v7' }, texts: ['v7'] },
    { platform: { os: 'linux', architecture: 'amd64' }, texts: ['amd64'] },
    { platform: { os: 'linux', architecture: 'arm64', variant: 'v8' }, texts: ['arm64'] },
  ];
  const manifests = entries.map(({ platform, texts }) => ({
    ...registry.image(texts, { platform }).manifest,
    platform,
  }));
  const index = registry.manifest({ manifests }, '1');
  const wanted = { os: 'linux', architecture: 'arm', variant: 'v8' };
  const { image } = await pull({ platform: wanted });
  expect(image).toMatchObject({
    digest: index.digest,
    manifest: manifests[2]?.digest,
    platform: { architecture: 'arm', variant: 'v7' },
  });
  // Of several entries the one that was chosen need not be fetched again.
  expect((await pull({ platform: wanted })).upToDate).toBe(true);
  const host = process.arch === 'x64' ? 'amd64' : 'arm64';
  expect(await findImage(scene.store, registry.reference())).toBeUndefined();
  await pull();
  expect(await filesOf(scene, registry.reference())).toEqual({ 'layer-0': host });
});

test('a pull by digest asks for nothing else, and checks it', async () => {
  const { registry, pull, store } = await makeScene();
  const { manifest } = registry.image(['one']);
  const reference = registry.reference(`test/image:v9@${manifest.digest}`);
  const { image } = await pull({}, reference);
  expect(image.references).toEqual([`${registry.host}/test/image@${manifest.digest}`]);
  expect(await findImage(store, reference)).toEqual(image);
  registry.manifests.set(manifest.digest, { mediaType: 'x', bytes: Buffer.from('{}') });
  const other = await makeScene();
  await expect(other.pull({}, reference)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
});

test('two pulls at once, of one image and of images that share layers, both succeed', async () => {
  const scene = await makeScene();
  const { registry, pull, store } = scene;
  registry.image(['one', 'two'], { tag: '1' });
  registry.image(['one', 'three'], { tag: '2' });
  const second = registry.reference('test/image:2');
  await Promise.all([pull(), pull(), pull({}, second)]);
  expect(await listImages(store)).toHaveLength(2);
  expect(await filesOf(scene, registry.reference())).toHaveProperty('layer-1', 'two');
  expect(await filesOf(scene, second)).toHaveProperty('layer-1', 'three');
  expect((await contentOf(store)).filter((path) => path.startsWith('staging'))).toEqual([]);
});

test('layers are unpacked while later ones are on their way, three at a time', async () => {
  const { registry, pull, events } = await makeScene();
  const { layers } = registry.image(['one', 'two', 'three', 'four', 'five'], { tag: '1' });
  let open = 0;
  let most = 0;
  const last = layers[4]?.digest ?? '';
  registry.intercept = async (request, response) => {
    if (!request.url?.includes('/blobs/')) return false;
    open += 1;
    most = Math.max(most, open);
    response.once('close', () => {
      open -= 1;
    });
    // The last layer comes when the first has been unpacked, and never if that waits for it.
    while (
      request.url.endsWith(last) &&
      !events.some((event) => event.type === 'layer' && event.state === 'unpacked')
    ) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    return false;
  };
  await pull();
  expect(most).toBe(3);
});

test('an image that is not in the store is not pulled by a launch', async () => {
  const scene = await makeScene();
  const reference = parseRegistryReference('alpine');
  await expect(filesOf(scene, reference)).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    hint: 'fetch it with ctr-ts pull alpine:latest',
  });
});
