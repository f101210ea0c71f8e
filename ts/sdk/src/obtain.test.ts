/** Which image of the store a container starts on; over HTTP, with real containers. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPlatform } from '@ctr-ts/image';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';
import { openCore } from './core.ts';
import { CtrError } from './errors.ts';
import { makeImage, serveImages, writeLayout } from './image.test.fixture.ts';
import { Container, type ContainerOptions, Image } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-sdk-'));
const runRoot = join(directory, 'run');
let stores = 0;
const makeEngine = () => {
  stores += 1;
  return { dataRoot: join(directory, `data-${stores}`), runRoot };
};

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Name and id of the image that such a container has. */
async function started(options: ContainerOptions) {
  await using container = await Container.create(options);
  const { image, imageId } = await container.inspect();
  return { image, imageId };
}

const host = hostPlatform();
const variants = host.architecture === 'arm64' ? ['v8', 'v8.1', 'v8.2'] : ['v1', 'v2', 'v3'];
const [low, middle, high] = variants.map((variant) => ({ ...host, variant }));
const text = (variant = '') => `linux/${host.architecture}/${variant}`;

test('an image that was pulled for a variant runs', async () => {
  const registry = await serveImages();
  const engine = makeEngine();
  const image = registry.push('variants', makeImage('low', low), makeImage('high', high));
  const { image: pulled } = await Image.pull(image, { platform: text(variants[2]), engine });
  expect(pulled.platform).toBe(text(variants[2]));
  expect(await started({ image, engine, pull: 'never' })).toMatchObject({ imageId: pulled.id });
});

test('the variant that is asked for is the one that is pulled and run', async () => {
  const registry = await serveImages();
  const engine = makeEngine();
  const images = [makeImage('low', low), makeImage('middle', middle), makeImage('high', high)];
  const image = registry.push('variants', ...images);
  const asked = { image, engine, platform: text(variants[1]) };
  expect(await started(asked)).toMatchObject({ imageId: images[1]?.id });
  registry.requests.length = 0;
  expect(await started(asked)).toMatchObject({ imageId: images[1]?.id });
  expect(registry.requests).toEqual([]);
  // What the store has may be more than is asked for.
  const less = { ...asked, platform: text(variants[0]) };
  await expect(Container.create({ ...less, pull: 'never' })).rejects.toMatchObject({
    code: 'FOREIGN_PLATFORM',
  });
  expect(await started(less)).toMatchObject({ imageId: images[0]?.id });
});

test('an image runs by its id, also one without a name, and no registry is asked', async () => {
  const registry = await serveImages();
  const engine = makeEngine();
  const image = registry.push('moving', makeImage('old'));
  const { image: old } = await Image.pull(image, { engine });
  registry.push('moving', makeImage('new'));
  const { image: newer } = await Image.pull(image, { engine });
  registry.requests.length = 0;
  const names = ({ id }: { id: string }) => [id, id.slice(7), id.slice(7, 19)];
  for (const name of names(newer)) {
    expect(await started({ image: name, engine }), name).toEqual({ image, imageId: newer.id });
  }
  for (const name of names(old)) {
    const expected = { image: old.id.slice(7, 19), imageId: old.id };
    expect(await started({ image: name, engine }), name).toEqual(expected);
  }
  const nobody = `sha256:${'f'.repeat(64)}`;
  await expect(Container.create({ image: nobody, engine })).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    hint: expect.stringContaining('ctr-ts images'),
  });
  expect(registry.requests).toEqual([]);
});

test('who has removed all blobs of an image but its record gets it again', async () => {
  const registry = await serveImages();
  const engine = makeEngine();
  const image = registry.push('1', makeImage('content'));
  const { image: pulled } = await Image.pull(image, { engine });
  rmSync(join(engine.dataRoot, 'blobs'), { recursive: true });
  expect(await started({ image, engine })).toEqual({ image, imageId: pulled.id });
});

test('a launch that fails holds nothing of the store any longer', async () => {
  const registry = await serveImages();
  const engine = makeEngine();
  const image = registry.push('1', makeImage('content'));
  await Image.pull(image, { engine });
  const staging = () => readdirSync(join(engine.dataRoot, 'staging'));
  const failures: Partial<ContainerOptions>[] = [
    { command: ['none'] },
    { cidFile: join(directory, 'none/cid') },
  ];
  for (const failure of failures) {
    await expect(Container.create({ image, engine, ...failure })).rejects.toThrow();
    expect(staging()).toEqual([]);
  }
  // As where no descriptor is left.
  const opened = vi.spyOn(openCore(engine), 'openStdio').mockImplementation(() => {
    throw new CtrError('IO_ERROR', 'pipe2: EMFILE');
  });
  onTestFinished(() => opened.mockRestore());
  await expect(Container.create({ image, engine })).rejects.toMatchObject({ code: 'IO_ERROR' });
  expect(staging()).toEqual([]);
});

test('a container can have as many layers as an image may', async () => {
  const engine = makeEngine();
  const image = writeLayout(join(directory, 'deep'), makeImage('x', host, 127));
  for (const remove of [true, false]) {
    const container = await Container.create({ image, engine, remove });
    await container.remove({ force: true });
  }
  const deeper = writeLayout(join(directory, 'deeper'), makeImage('x', host, 128));
  await expect(Container.create({ image: deeper, engine })).rejects.toMatchObject({
    code: 'INVALID_IMAGE',
  });
});
