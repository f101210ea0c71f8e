import { mkdir, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processName } from '../boot.ts';
import { digestOf, hexOf } from '../digest.ts';
import { contentOf, filesOf, makeScene } from '../pull/pull.test.fixture.ts';
import { prepareRoot } from '../root.ts';
import { blobName } from './blobs.ts';
import { collect, pruneUnused } from './collect.ts';
import { findImage, listImages } from './images.ts';
import { leasedPaths, takeLease, whileRemoving } from './lease.ts';
import { readRecords, removeRecord, writeRecord } from './refs.ts';
import { removeImages } from './remove.ts';

const NOBODY = { layersInUse: new Set<string>(), imagesInUse: new Set<string>() };

/** The layers a launch of this image runs on, as it leaves them in a container's record. */
async function layersOf(scene: Awaited<ReturnType<typeof makeScene>>, name = 'test/image:1') {
  const upper = { kind: 'tmpfs', sizeBytes: null } as const;
  const reference = scene.registry.reference(name);
  const prepared = await prepareRoot(reference, { ...scene.options, upper, node: false });
  const { root, release } = prepared;
  return { layers: root.kind === 'overlay' ? root.lower : [], release };
}

test('with the last reference all goes that only this image used', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  const first = registry.image(['one', 'two'], { tag: '1' });
  await pull();
  registry.image(['one', 'three'], { tag: '2' });
  const second = registry.reference('test/image:2');
  await pull({}, second);
  const name = `${registry.host}/test/image:1`;
  const { untagged, deleted } = await removeImages(store, [name], NOBODY);
  expect(untagged).toEqual([name]);
  expect(deleted[0]).toBe(first.config.digest);
  // The layer of its own; the one that both have stays.
  expect(deleted).toHaveLength(2);
  expect(await findImage(store, registry.reference())).toBeUndefined();
  expect(await filesOf(scene, second)).toEqual({ 'layer-0': 'one', 'layer-1': 'three' });
  expect(
    (await stat(join(store.dataRoot, blobName(first.layers[0]?.digest ?? digestOf(''))))).size,
  ).toBeGreaterThan(0);
  await removeImages(store, [`${registry.host}/test/image:2`], NOBODY);
  expect(await contentOf(store)).toEqual([]);
  await pull();
  expect(await filesOf(scene, registry.reference())).toEqual({
    'layer-0': 'one',
    'layer-1': 'two',
  });
});

test('one of several references is only untagged', async () => {
  const { registry, store, pull } = await makeScene();
  registry.image(['one'], { tag: '1' });
  registry.image(['one'], { tag: '2' });
  await pull();
  await pull({}, registry.reference('test/image:2'));
  const [image] = await listImages(store);
  expect(image?.references).toEqual([
    `${registry.host}/test/image:1`,
    `${registry.host}/test/image:2`,
  ]);
  const id = hexOf(image?.config ?? expect.fail('no image'));
  const refused = removeImages(store, [id.slice(0, 12)], NOBODY);
  await expect(refused).rejects.toMatchObject({
    code: 'IMAGE_IN_USE',
    hint: expect.stringContaining('test/image:2'),
  });
  const removed = await removeImages(store, [`${registry.host}/test/image:2`], NOBODY);
  expect(removed.deleted).toEqual([]);
  expect(await listImages(store)).toHaveLength(1);
  // With both names at once, or by force, it is gone.
  await pull({}, registry.reference('test/image:2'));
  const { untagged } = await removeImages(store, [id], { ...NOBODY, force: true });
  expect(untagged).toHaveLength(2);
  expect(await contentOf(store)).toEqual([]);
});

test.each([
  ['the whole identifier', (id: string) => `sha256:${id}`],
  ['its digits', (id: string) => id],
  ['the beginning of them', (id: string) => id.slice(0, 12)],
])('an image is removed by %s', async (_, nameOf) => {
  const { registry, store, pull } = await makeScene();
  const { config } = registry.image(['one'], { tag: '1' });
  await pull();
  const { deleted } = await removeImages(store, [nameOf(hexOf(config.digest))], NOBODY);
  expect(deleted).toContain(config.digest);
  expect(await contentOf(store)).toEqual([]);
});

test('what is not there, or not one image, is refused before anything is removed', async () => {
  const { registry, store, pull } = await makeScene();
  registry.image(['one'], { tag: '1' });
  await pull();
  const held = await contentOf(store);
  const there = `${registry.host}/test/image:1`;
  for (const name of ['alpine', 'f'.repeat(64), `sha256:${'f'.repeat(64)}`, `${there}2`]) {
    const refused = removeImages(store, [there, name], NOBODY);
    await expect(refused, name).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  }
  await expect(removeImages(store, [there, 'A B'], NOBODY)).rejects.toMatchObject({
    code: 'INVALID_REFERENCE',
  });
  for (let user = 0; user < 17; user += 1) {
    registry.image(['one'], { tag: `u${user}`, user: `${user}` });
    await pull({}, registry.reference(`test/image:u${user}`));
  }
  const ids = (await listImages(store)).map(({ config }) => hexOf(config));
  // Of 18 identifiers two begin alike.
  const digit = ids.map((id) => id[0] ?? '').find((first, at, all) => all.indexOf(first) !== at);
  await expect(removeImages(store, [digit ?? ''], NOBODY)).rejects.toMatchObject({
    code: 'IMAGE_AMBIGUOUS',
  });
  expect(await contentOf(store)).toEqual(expect.arrayContaining(held));
});

test('an image a container runs on is refused; by force its layers stay', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  const { config } = registry.image(['one'], { tag: '1' });
  await pull();
  const { layers, release } = await layersOf(scene);
  await release();
  const name = `${registry.host}/test/image:1`;
  const inUse = { layersInUse: new Set(layers), imagesInUse: new Set([config.digest]) };
  await expect(removeImages(store, [name], inUse)).rejects.toMatchObject({
    code: 'IMAGE_IN_USE',
  });
  expect(await findImage(store, registry.reference())).toBeDefined();
  const { deleted } = await removeImages(store, [name], { ...inUse, force: true });
  expect(deleted).toHaveLength(1);
  expect(await readdir(layers[0] ?? '')).toEqual(['layer-0']);
  expect((await contentOf(store)).filter((path) => path.startsWith('blobs'))).toEqual([]);
  // When the container is gone too, nothing names the layer any more.
  const kept = await pruneUnused(store, inUse.layersInUse);
  expect(kept).toEqual({ blobs: [], layers: [] });
  const { layers: pruned } = await pruneUnused(store, async () => new Set());
  expect(pruned).toEqual([layers[0]?.slice(store.dataRoot.length + 1).replace(/\/diff$/, '')]);
  expect(await contentOf(store)).toEqual([]);
});

test('a container holds the image it was started from, not one that its image was built on', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  registry.image(['one'], { tag: 'base' });
  await pull({}, registry.reference('test/image:base'));
  const { config } = registry.image(['one', 'two'], { tag: '1' });
  await pull();
  const { layers, release } = await layersOf(scene);
  await release();
  const inUse = { layersInUse: new Set(layers), imagesInUse: new Set([config.digest]) };
  const name = `${registry.host}/test/image:base`;
  expect((await removeImages(store, [name], inUse)).untagged).toEqual([name]);
  // What both have stays.
  expect(layers).toHaveLength(2);
  for (const layer of layers) expect(await readdir(layer)).toHaveLength(1);
  expect(await filesOf(scene, registry.reference())).toEqual({
    'layer-0': 'one',
    'layer-1': 'two',
  });
});

test('a reference that a pull moved on meanwhile is not removed with the image it named', async () => {
  const { registry, store, pull } = await makeScene();
  registry.image(['one'], { tag: '1' });
  await pull();
  const before = (await readRecords(store)).find(({ reference }) => reference !== undefined);
  const { config } = registry.image(['two'], { tag: '1' });
  await pull();
  expect(await removeRecord(store, before ?? expect.fail('no record'))).toBe(false);
  expect(await findImage(store, registry.reference())).toMatchObject({ config: config.digest });
});

test('of pulls that move one reference at the same time each image stays until it is removed', async () => {
  const { registry, store, pull } = await makeScene();
  const texts = Array.from({ length: 6 }, (_, index) => `content ${index}`);
  for (const [index, text] of texts.entries()) {
    registry.image([text], { tag: `${index}` });
    await pull({}, registry.reference(`test/image:${index}`));
  }
  const records = (await readRecords(store)).filter(({ reference }) => reference !== undefined);
  await removeImages(
    store,
    records.flatMap(({ reference }) => reference ?? []),
    NOBODY,
  );
  const name = `${registry.host}/test/image:moving`;
  await Promise.all(records.map((record) => writeRecord(store, { ...record, reference: name })));
  const images = await listImages(store);
  expect(images.map(({ config }) => config).toSorted()).toEqual(
    records.map(({ config }) => config).toSorted(),
  );
  expect(images.flatMap(({ references }) => references)).toEqual([name]);
});

test('where a record cannot be read nothing is removed, and the file is named', async () => {
  const { registry, store, pull } = await makeScene();
  registry.image(['one'], { tag: '1' });
  registry.image(['two'], { tag: '2' });
  await pull();
  await pull({}, registry.reference('test/image:2'));
  const name = `${registry.host}/test/image:1`;
  const [file = ''] = await readdir(join(store.dataRoot, 'refs'));
  await writeFile(join(store.dataRoot, 'refs', file), '{"version":2}');
  const held = await contentOf(store);
  for (const remove of [
    () => removeImages(store, [name], { ...NOBODY, force: true }),
    () => pruneUnused(store, new Set()),
  ]) {
    await expect(remove()).rejects.toMatchObject({
      code: 'STORE_DAMAGED',
      message: expect.stringContaining(file),
    });
  }
  expect((await contentOf(store)).toSorted()).toEqual(held.toSorted());
});

test('from its preparation on nobody takes the layers of a launch away', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  registry.image(['one'], { tag: '1' });
  await pull();
  const { layers, release } = await layersOf(scene);
  const name = `${registry.host}/test/image:1`;
  expect((await removeImages(store, [name], NOBODY)).deleted).toHaveLength(1);
  expect(await readdir(layers[0] ?? '')).toEqual(['layer-0']);
  await release();
  // Nothing is left of the lease, and what it kept can go.
  expect(await readdir(join(store.dataRoot, 'staging'))).toEqual([]);
  await pull();
  await removeImages(store, [name], NOBODY);
  expect(await contentOf(store)).toEqual([]);
});

test('what is leased before a remover looks stays, and never was away', async () => {
  const { store } = await makeScene();
  await mkdir(join(store.dataRoot, 'blobs/sha256'), { recursive: true });
  const names = ['a', 'b', 'c'].map((name) => `blobs/sha256/${name.repeat(64)}`);
  for (const name of names) await writeFile(join(store.dataRoot, name), name);
  let lease: Awaited<ReturnType<typeof takeLease>> | undefined;
  let looks = 0;
  const collected = await collect(store, names, async () => {
    looks += 1;
    // After the first look, before the removal is announced.
    if (looks === 1) lease = await takeLease(store, names.slice(0, 2));
    return new Set();
  });
  expect(collected).toEqual([names[2]]);
  expect((await readdir(join(store.dataRoot, 'blobs/sha256'))).length).toBe(2);
  await lease?.release();
  expect((await pruneUnused(store, new Set())).blobs.toSorted()).toEqual(
    ['a', 'b'].map((name) => `sha256:${name.repeat(64)}`),
  );
  expect(await contentOf(store)).toEqual([]);
});

test('who wants what is being removed waits, and who wants something else does not', async () => {
  const { store } = await makeScene();
  const order: string[] = [];
  let wanting: Promise<void> | undefined;
  await whileRemoving(store, ['blobs/sha256/x'], async () => {
    wanting = takeLease(store, ['blobs/sha256/x']).then(({ release }) => {
      order.push('leased');
      return release();
    });
    await (await takeLease(store, ['blobs/sha256/y'])).release();
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push('removed');
  });
  await wanting;
  expect(order).toEqual(['removed', 'leased']);
});

test('the removal of a process that was killed holds nobody up', async () => {
  const { store } = await makeScene();
  const [namespace, pid] = (await processName()).split('-');
  await mkdir(join(store.dataRoot, 'removing'));
  const path = join(store.dataRoot, 'removing', `${namespace}-${pid}-1-aaaa`);
  await writeFile(path, '["blobs/sha256/x"]');
  const started = performance.now();
  await (await takeLease(store, ['blobs/sha256/x'])).release();
  expect(performance.now() - started).toBeLessThan(5000);
  expect(await readdir(join(store.dataRoot, 'removing'))).toEqual([]);
});

test('a lease of a process that is gone does not count', async () => {
  const { store } = await makeScene();
  const lease = await takeLease(store, ['blobs/sha256/x']);
  expect([...(await leasedPaths(store))]).toEqual(['blobs/sha256/x']);
  const [namespace, pid] = (lease.directory.split('/').at(-1) ?? '').split('-');
  await rename(lease.directory, join(store.dataRoot, 'staging', `${namespace}-${pid}-1-aaaa`));
  expect([...(await leasedPaths(store))]).toEqual([]);
});

test('where leases cannot be read nothing is removed', async () => {
  const { store } = await makeScene();
  await mkdir(join(store.dataRoot, 'blobs/sha256'), { recursive: true });
  const name = `blobs/sha256/${'a'.repeat(64)}`;
  await writeFile(join(store.dataRoot, name), 'a');
  const lease = await takeLease(store, [name]);
  // Not there is one thing, not readable another.
  await unlink(join(lease.directory, 'lease.json'));
  await mkdir(join(lease.directory, 'lease.json'));
  await expect(pruneUnused(store, new Set())).rejects.toMatchObject({ code: 'IO_ERROR' });
  expect((await stat(join(store.dataRoot, name))).isFile()).toBe(true);
});

test('a lease or removal that a crash tore does not hold anybody up', async () => {
  const { store } = await makeScene();
  const torn = await takeLease(store, ['blobs/sha256/x']);
  await writeFile(join(torn.directory, 'lease.json'), '');
  expect([...(await leasedPaths(store))]).toEqual([]);
  await mkdir(join(store.dataRoot, 'removing'));
  await writeFile(join(store.dataRoot, 'removing/1-1-1-aaaa'), '["blob');
  await (await takeLease(store, ['blobs/sha256/x'])).release();
});

test('an image that lost a blob, or whose record is damaged, counts as not there and is pulled again', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  const { layers } = registry.image(['one', 'two'], { tag: '1' });
  await pull();
  await unlink(join(store.dataRoot, blobName(layers[0]?.digest ?? digestOf(''))));
  expect(await findImage(store, registry.reference())).toBeUndefined();
  expect((await pull()).upToDate).toBe(false);
  expect(await findImage(store, registry.reference())).toBeDefined();
  const records = await readdir(join(store.dataRoot, 'refs'));
  for (const content of ['', '{', '{"version":1}', '{"version":2}', '[]', 'null']) {
    for (const record of records) await writeFile(join(store.dataRoot, 'refs', record), content);
    expect(await listImages(store), content).toEqual([]);
    await pull();
    expect(await listImages(store), content).toHaveLength(1);
  }
});

test('blobs that nothing uses are pruned, and a pull under way keeps its own', async () => {
  const { registry, store, pull } = await makeScene();
  const { layers } = registry.image(['one', 'two'], { tag: '1' });
  await pull();
  await writeFile(join(store.dataRoot, 'blobs/sha256', 'f'.repeat(64)), 'left by a kill');
  expect(await pruneUnused(store, new Set())).toEqual({
    blobs: [`sha256:${'f'.repeat(64)}`],
    layers: [],
  });
  await removeImages(store, [`${registry.host}/test/image:1`], NOBODY);
  // Every request prunes: nothing a pull has or will have goes.
  registry.intercept = async () => {
    await pruneUnused(store, new Set());
    return false;
  };
  await pull();
  expect(
    (await stat(join(store.dataRoot, blobName(layers[1]?.digest ?? digestOf(''))))).isFile(),
  ).toBe(true);
  expect(await findImage(store, registry.reference())).toBeDefined();
});

test('pulls and removals at the same time leave a whole image or none', async () => {
  const scene = await makeScene();
  const { registry, store, pull } = scene;
  registry.image(['one', 'two', 'three'], { tag: '1' });
  const name = `${registry.host}/test/image:1`;
  let stop = false;
  const remover = (async () => {
    while (!stop) {
      await removeImages(store, [name], NOBODY).catch((error: { code: string }) => {
        if (error.code !== 'IMAGE_NOT_FOUND') throw error;
      });
    }
  })();
  for (let round = 0; round < 30; round += 1) await Promise.all([pull(), pull()]);
  stop = true;
  await remover;
  await pull();
  expect(await filesOf(scene, registry.reference())).toEqual({
    'layer-0': 'one',
    'layer-1': 'two',
    'layer-2': 'three',
  });
  await removeImages(store, [name], NOBODY);
  expect(await contentOf(store)).toEqual([]);
});
