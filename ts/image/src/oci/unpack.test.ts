import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { digestOf, hexOf } from '../digest.ts';
import { temporary, temporaryStore } from '../temporary.test.fixture.ts';
import { GZIP_LAYER, type ImageOptions, LayoutWriter } from './layout.test.fixture.ts';
import { type ImageLayer, readLayout } from './layout.ts';
import { type AppliedLayer, type LayerOptions, type UnpackOptions, unpack } from './unpack.ts';

async function layersOf(options: ImageOptions): Promise<ImageLayer[]> {
  const layout = new LayoutWriter(join(await temporary(), 'layout'));
  const directory = await layout.finish([await layout.image(options)]);
  return (await readLayout(directory, undefined)).layers;
}

/** Stands for the native core: real digests, and the layer's text in place of files. */
async function applyText(blob: string, directory: string, _: LayerOptions): Promise<AppliedLayer> {
  const bytes = await readFile(blob);
  const content = gunzipSync(bytes);
  await writeFile(join(directory, 'content'), content);
  return { digest: digestOf(bytes), diffId: digestOf(content), entries: 1, bytes: content.length };
}

async function unpackOptions(more: Partial<UnpackOptions> = {}): Promise<UnpackOptions> {
  const store = await temporaryStore();
  return { store, applyLayer: applyText, userxattr: false, squashOwner: false, ...more };
}

test('layers come uppermost first, each below its chain id', async () => {
  const options = await unpackOptions();
  const directories = await unpack(await layersOf({ layers: ['one', 'two'] }), options);
  const contents = directories.map((directory) => readFile(join(directory, 'content'), 'utf8'));
  expect(await Promise.all(contents)).toEqual(['two', 'one']);
  const chain = createHash('sha256')
    .update(`${digestOf('one')} ${digestOf('two')}`)
    .digest('hex');
  expect(directories[0]).toContain(`/sha256/${chain}/diff`);
  expect(directories[1]).toContain(`/sha256/${hexOf(digestOf('one'))}/diff`);
});

test('a root directory the layer does not name is open to all', async () => {
  const umask = process.umask(0o077);
  try {
    const [directory] = await unpack(await layersOf({}), await unpackOptions());
    expect((await stat(directory ?? '')).mode & 0o777).toBe(0o755);
  } finally {
    process.umask(umask);
  }
});

test('what is unpacked is used again, and what is missing of an image is added', async () => {
  const applied: string[] = [];
  const options = await unpackOptions({
    applyLayer: async (blob, directory, how) => {
      const result = await applyText(blob, directory, how);
      applied.push(result.diffId);
      return result;
    },
  });
  await unpack(await layersOf({ layers: ['one'] }), options);
  await unpack(await layersOf({ layers: ['one', 'two'] }), options);
  await unpack(await layersOf({ layers: ['one', 'two'] }), options);
  expect(applied).toEqual([digestOf('one'), digestOf('two')]);
});

test('a layer is unpacked on top of those below it, which are complete', async () => {
  const seen: string[][] = [];
  const options = await unpackOptions({
    applyLayer: async (blob, directory, how) => {
      const contents = how.lowers.map((lower) => readFile(join(lower, 'content'), 'utf8'));
      seen.push(await Promise.all(contents));
      return applyText(blob, directory, how);
    },
  });
  await unpack(await layersOf({ layers: ['one'] }), options);
  await unpack(await layersOf({ layers: ['one', 'two', 'three'] }), options);
  expect(seen).toEqual([[], ['one'], ['two', 'one']]);
});

test('each kind of id map has layers of its own', async () => {
  const options = await unpackOptions();
  const layers = await layersOf({});
  const kinds = [{}, { userxattr: true }, { userxattr: true, squashOwner: true }];
  const paths = [];
  for (const kind of kinds) paths.push(...(await unpack(layers, { ...options, ...kind })));
  expect(new Set(paths).size).toBe(3);
});

test.each([
  ['bytes', 'DIGEST_MISMATCH', { digest: digestOf('other') }],
  ['content', 'DIFFID_MISMATCH', { diffId: digestOf('other') }],
])('a layer of other %s is refused and leaves nothing', async (_, code, lie) => {
  const options = await unpackOptions({
    applyLayer: async (blob, directory, how) => ({
      ...(await applyText(blob, directory, how)),
      ...lie,
    }),
  });
  const layers = await layersOf({});
  await expect(unpack(layers, options)).rejects.toMatchObject({ code });
  const files = await readdir(options.store.dataRoot, { recursive: true });
  expect(files.filter((file) => file.endsWith('content'))).toEqual([]);
  expect(await unpack(layers, { ...options, applyLayer: applyText })).toHaveLength(1);
});

test('a layer that is not there or cut short is refused before it is read', async () => {
  const options = await unpackOptions({
    applyLayer: async () => expect.fail('it was read'),
  });
  const [layer] = await layersOf({});
  if (layer === undefined) throw new Error('no layer');
  const { size } = layer;
  const short = unpack([{ ...layer, size: size + 1 }], options);
  await expect(short).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  await rm(layer.path);
  await expect(unpack([layer], options)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
});

test('a compression that is not supported is refused before anything is unpacked', async () => {
  const options = await unpackOptions({
    applyLayer: async () => expect.fail('it was read'),
  });
  const [good] = await layersOf({ mediaType: GZIP_LAYER });
  const [zstd] = await layersOf({ mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' });
  if (good === undefined || zstd === undefined) throw new Error('no layer');
  // What every object of JavaScript has is no media type.
  for (const other of [zstd, { ...zstd, mediaType: 'constructor' }]) {
    const refused = unpack([good, other], options);
    await expect(refused).rejects.toMatchObject({ code: 'NOT_YET', hint: expect.any(String) });
  }
});

test('an abort ends between two layers', async () => {
  const abort = new AbortController();
  const options = await unpackOptions({ signal: abort.signal });
  const applyLayer: UnpackOptions['applyLayer'] = async (...step) => {
    abort.abort();
    return applyText(...step);
  };
  const layers = await layersOf({ layers: ['one', 'two'] });
  const aborted = unpack(layers, { ...options, applyLayer });
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  expect(await readdir(join(options.store.dataRoot, 'staging'))).toEqual([]);
});
