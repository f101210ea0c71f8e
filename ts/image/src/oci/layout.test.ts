import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf, hexOf, parseDigest } from '../digest.ts';
import { temporary } from '../temporary.test.fixture.ts';
import { ARCHITECTURE, type Descriptor, LayoutWriter, tagged } from './layout.test.fixture.ts';
import { readLayout } from './layout.ts';

const makeLayout = async () => new LayoutWriter(join(await temporary(), 'layout'));
const platform = (architecture: string) => ({ os: 'linux', architecture });

test('an image is its config and its layers, lowest first', async () => {
  const layout = await makeLayout();
  const config = {
    Env: ['PATH=/bin', 'A=1'],
    Entrypoint: ['/entry'],
    Cmd: ['x', 'y'],
    WorkingDir: '/work',
    User: '1000:users',
    Labels: { key: 'value' },
    StopSignal: 'SIGINT',
    Volumes: { '/data': {} },
    ExposedPorts: { '80/tcp': {} },
  };
  const image = await layout.image({ layers: ['one', 'two'], config });
  const read = await readLayout(await layout.finish([image]), undefined);
  expect(read.config).toEqual({
    env: ['PATH=/bin', 'A=1'],
    entrypoint: ['/entry'],
    cmd: ['x', 'y'],
    workdir: '/work',
    user: '1000:users',
    labels: { key: 'value' },
    stopSignal: 'SIGINT',
    volumes: ['/data'],
    exposedPorts: ['80/tcp'],
  });
  expect(read.layers.map(({ diffId }) => diffId)).toEqual([digestOf('one'), digestOf('two')]);
});

test('an image without a config section starts from nothing', async () => {
  const layout = await makeLayout();
  const image = await layout.image({ config: { Env: null, Cmd: null } });
  const { config } = await readLayout(await layout.finish([image]), undefined);
  expect(config).toMatchObject({ env: [], entrypoint: [], cmd: [], workdir: '', user: '' });
});

test('a tag chooses among images, and `latest` is the default', async () => {
  const layout = await makeLayout();
  const old = tagged(await layout.image({ config: { User: 'old' } }), 'v1');
  const latest = tagged(await layout.image({ config: { User: 'latest' } }), 'latest');
  const directory = await layout.finish([old, latest]);
  expect((await readLayout(directory, 'v1')).config.user).toBe('old');
  expect((await readLayout(directory, undefined)).config.user).toBe('latest');
  await expect(readLayout(directory, 'v2')).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    hint: 'its tags are v1, latest',
  });
});

test('the only image needs no tag, one of two does', async () => {
  const layout = await makeLayout();
  const only = tagged(await layout.image(), 'v1');
  expect((await readLayout(await layout.finish([only]), undefined)).layers).toHaveLength(1);
  const two = await layout.finish([only, tagged(await layout.image({ layers: ['x'] }), 'v2')]);
  await expect(readLayout(two, undefined)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
});

test('an index leads to the image of this platform', async () => {
  const layout = await makeLayout();
  const foreign = {
    ...(await layout.image({ config: { User: 'x' } })),
    platform: platform('s390x'),
  };
  const ours = {
    ...(await layout.image({ config: { User: 'ours' } })),
    platform: platform(ARCHITECTURE),
  };
  const nested = await layout.nested([foreign, ours]);
  const twice = await layout.nested([nested]);
  const read = await readLayout(await layout.finish([twice]), undefined);
  expect(read.config.user).toBe('ours');
  const without = await layout.finish([await layout.nested([foreign])]);
  await expect(readLayout(without, undefined)).rejects.toMatchObject({
    code: 'PLATFORM_NOT_FOUND',
    hint: 'there is linux/s390x',
  });
});

test('indexes without an end are refused', async () => {
  const layout = await makeLayout();
  let descriptor = await layout.image();
  for (let depth = 0; depth < 10; depth += 1) descriptor = await layout.nested([descriptor]);
  const directory = await layout.finish([descriptor]);
  await expect(readLayout(directory, undefined)).rejects.toMatchObject({ code: 'INVALID_IMAGE' });
});

const lies: [string, string, (layout: LayoutWriter) => Promise<unknown>][] = [
  ['no directory', 'IMAGE_NOT_FOUND', async () => {}],
  ['no layout', 'IMAGE_NOT_FOUND', (layout) => mkdir(layout.directory)],
  ['a file', 'IMAGE_NOT_FOUND', (layout) => writeFile(layout.directory, '')],
  ['an unknown version', 'INVALID_IMAGE', async (layout) => layout.finish([], '2.0.0')],
  ['a version that is no text', 'INVALID_IMAGE', async (layout) => layout.finish([], 1)],
  ['no images', 'IMAGE_NOT_FOUND', (layout) => layout.finish([])],
  ['manifests that are no list', 'INVALID_IMAGE', (layout) => layout.finish({})],
  ['a manifest that is no object', 'INVALID_IMAGE', (layout) => layout.finish(['x'])],
  [
    'an index.json that is no JSON',
    'INVALID_IMAGE',
    async (layout) => writeFile(join(await layout.finish([]), 'index.json'), '{'),
  ],
  [
    'a digest that is a path',
    'INVALID_IMAGE',
    async (layout) =>
      layout.finish([{ ...(await layout.image()), digest: 'sha256:../../../etc/passwd' }]),
  ],
  [
    'a missing manifest',
    'FILE_NOT_FOUND',
    async (layout) => {
      const image = await layout.image();
      await rm(blobPath(layout, image));
      return layout.finish([image]);
    },
  ],
  [
    'a manifest that was changed',
    'DIGEST_MISMATCH',
    async (layout) => {
      const image = await layout.image();
      const text = JSON.stringify({ changed: true }).padEnd(image.size);
      await writeFile(blobPath(layout, image), text);
      return layout.finish([image]);
    },
  ],
  [
    'a manifest with something behind it',
    'DIGEST_MISMATCH',
    async (layout) => {
      const image = await layout.image();
      await appendFile(blobPath(layout, image), ' ');
      return layout.finish([image]);
    },
  ],
  [
    'a manifest of absurd size',
    'INVALID_IMAGE',
    async (layout) => layout.finish([await layout.blob('x', Buffer.alloc(17 << 20))]),
  ],
  [
    'no layers',
    'INVALID_IMAGE',
    async (layout) => layout.finish([await layout.image({ layers: [] })]),
  ],
  [
    'fewer diff ids than layers',
    'INVALID_IMAGE',
    async (layout) => layout.finish([await layout.image({ diffIds: [] })]),
  ],
  [
    'a diff id that is no digest',
    'INVALID_IMAGE',
    async (layout) => layout.finish([await layout.image({ diffIds: ['md5:1'] })]),
  ],
  [
    'an environment that is no list',
    'INVALID_IMAGE',
    async (layout) => layout.finish([await layout.image({ config: { Env: 'A=1' } })]),
  ],
  [
    'a command of numbers',
    'INVALID_IMAGE',
    async (layout) => layout.finish([await layout.image({ config: { Cmd: [1] } })]),
  ],
  [
    'labels that are no texts',
    'INVALID_IMAGE',
    async (layout) => layout.finish([await layout.image({ config: { Labels: { a: {} } } })]),
  ],
];

test.each(lies)('a layout with %s is refused with %s', async (_, code, lie) => {
  const layout = await makeLayout();
  await lie(layout);
  await expect(readLayout(layout.directory, undefined)).rejects.toMatchObject({ code });
});

test.each([
  '',
  'sha256:',
  'sha512:ab',
  `sha256:${'A'.repeat(64)}`,
  `sha256:${'a'.repeat(65)}`,
  1,
  null,
])('%j is no digest', (text) => {
  expect(() => parseDigest(text, 'x')).toThrow(expect.objectContaining({ code: 'INVALID_IMAGE' }));
});

function blobPath(layout: LayoutWriter, { digest }: Descriptor): string {
  return join(layout.directory, 'blobs/sha256', hexOf(parseDigest(digest, 'test')));
}
