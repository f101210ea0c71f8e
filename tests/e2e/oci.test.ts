/** OCI layouts that lie: a coded refusal, nothing published, and a store that works afterwards. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { type ContainerOptions, run } from '@ctr-ts/sdk';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { busybox, pack } from './support/images.ts';
import { type Descriptor, Layout } from './support/layout.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

const directory = mkdtempSync(join(tmpdir(), 'e2e-oci-'));
const good = join(directory, 'good');
let before: Machine;
let made = 0;
let dataRoot: string;

beforeAll(async () => {
  const rootfs = busybox(directory);
  if (rootfs === undefined) throw new Error('busybox-static is not installed');
  writeFileSync(join(rootfs, 'etc/made-for'), 'oci test\n');
  await pack(rootfs, good);
  await run({ image: 'host:', command: ['true'] });
  before = snapshot();
});
beforeEach(() => {
  made += 1;
  dataRoot = join(directory, `data-${made}`);
});
afterAll(() => rmSync(directory, { recursive: true }));

const start = (layout: string, command: string[], more: Partial<ContainerOptions> = {}) =>
  run({ image: `oci:${layout}:latest`, command, engine: { dataRoot }, ...more });

function copy(): Layout {
  made += 1;
  return new Layout(good, join(directory, `layout-${made}`));
}

/** What a store publishes: unpacked layers. Staging and locks are its own affair while it runs. */
function published(): string[] {
  if (!existsSync(dataRoot)) return [];
  return (readdirSync(dataRoot, { recursive: true }) as string[]).filter((path) =>
    path.endsWith('made-for'),
  );
}

function first(layers: Descriptor[]): Descriptor {
  const [layer] = layers;
  if (layer === undefined) throw new Error('an image without layers');
  return layer;
}

const wrong = `sha256:${'0123456789abcdef'.repeat(4)}`;

const lies: { title: string; spoil: (layout: Layout) => string; code: RegExp }[] = [
  {
    title: 'the bytes of a layer are others than its digest says',
    spoil: (layout) =>
      layout.edit(({ layers }) => {
        const file = layout.blob(first(layers));
        const bytes = gunzipSync(readFileSync(file));
        bytes[600] = (bytes[600] ?? 0) ^ 1;
        writeFileSync(file, gzipSync(bytes));
        first(layers).size = readFileSync(file).length;
      }),
    code: /DIGEST|LAYER|BLOB/,
  },
  {
    title: 'a diffID is wrong',
    spoil: (layout) => layout.edit(({ config }) => config.rootfs.diff_ids.fill(wrong)),
    code: /DIFF|DIGEST|LAYER/,
  },
  {
    title: 'a layer is cut short',
    spoil: (layout) =>
      layout.edit(({ layers }) => {
        const file = layout.blob(first(layers));
        const bytes = readFileSync(file);
        Object.assign(first(layers), layout.write(bytes.subarray(0, bytes.length >> 1)));
      }),
    code: /LAYER|DIGEST|BLOB/,
  },
  {
    title: 'a layer is no archive',
    spoil: (layout) =>
      layout.edit(({ layers }) => {
        Object.assign(first(layers), layout.write(gzipSync(Buffer.alloc(4096, 'x'))));
      }),
    code: /LAYER|DIFF|DIGEST/,
  },
  {
    title: 'a layer is missing',
    spoil: (layout) =>
      layout.edit(({ layers }) => {
        first(layers).digest = wrong;
      }),
    code: /NOT_FOUND|MISSING|BLOB|LAYER/,
  },
  {
    title: 'there are more diffIDs than layers',
    spoil: (layout) => layout.edit(({ config }) => config.rootfs.diff_ids.push(wrong)),
    code: /[A-Z_]+/,
  },
  {
    title: 'the manifest is not what the index says',
    spoil: (layout) => {
      const index = JSON.parse(readFileSync(join(layout.path, 'index.json'), 'utf8'));
      writeFileSync(layout.blob(index.manifests[0]), '{}');
      return layout.path;
    },
    code: /DIGEST|MANIFEST|BLOB|LAYOUT/,
  },
];

test.each(lies)(
  '$title: refused, nothing published, and the good image runs',
  async ({ spoil, code }) => {
    const refused = start(spoil(copy()), ['cat', '/etc/made-for']);
    const error = await refused.then(
      () => expect.fail('it ran'),
      (error: unknown) => error as { code: string; message: string; hint?: string },
    );
    expect(error.code, error.message).toMatch(code);
    expect(published()).toEqual([]);
    const { stdout } = await start(good, ['cat', '/etc/made-for']).orThrow();
    expect(stdout).toBe('oci test\n');
    expect(published().length).toBe(1);
    expect(await leftSince(before)).toEqual([]);
  },
);

test('an image cannot ask for a mount, a device or a path of the host', async () => {
  const path = copy().edit(({ config }) => {
    config.config = {
      ...config.config,
      Volumes: { '/proc/x': {}, '/etc': {} },
      WorkingDir: '../../..',
    };
  });
  const { stdout } = await start(path, ['sh', '-c', 'pwd; cat /etc/made-for']).then(
    (result) => result,
    (error: unknown) => ({ stdout: (error as { code: string }).code }),
  );
  expect(stdout).toMatch(/^(\/\noci test\n|INVALID_[A-Z_]+)$/);
});

test('the second run of an image unpacks nothing', async () => {
  await start(good, ['true']).orThrow();
  const store = () => (readdirSync(dataRoot, { recursive: true }) as string[]).sort();
  const held = store();
  await start(good, ['true']).orThrow();
  expect(store()).toEqual(held);
});
