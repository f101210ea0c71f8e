import type { ImageInfo } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { presentImages } from './images.ts';
import { formatSize } from './size.ts';

const NOW = Date.parse('2026-03-01T00:00:00Z');

const ALPINE: ImageInfo = {
  id: `sha256:${'4abc'.padEnd(64, '0')}`,
  references: ['docker.io/library/alpine:3.20', 'localhost:5000/alpine:3'],
  names: ['alpine:3.20', 'localhost:5000/alpine:3'],
  digest: `sha256:${'d'.repeat(64)}`,
  platform: 'linux/amd64',
  createdAt: '2026-01-01T00:00:00Z',
  sizeBytes: 3_642_247,
  pulledAt: '2026-02-01T00:00:00Z',
};

const BY_DIGEST: ImageInfo = {
  ...ALPINE,
  id: `sha256:${'5'.repeat(64)}`,
  names: [`localhost:5000/app@sha256:${'d'.repeat(64)}`],
  createdAt: null,
  sizeBytes: 12,
};

test("each name of an image is a row with docker's columns", () => {
  const layout = { whole: false, digests: false, now: NOW };
  expect(presentImages([ALPINE, BY_DIGEST], layout)).toBe(
    [
      'REPOSITORY              TAG      IMAGE ID       CREATED       SIZE',
      'alpine                  3.20     4abc00000000   8 weeks ago   3.64MB',
      'localhost:5000/alpine   3        4abc00000000   8 weeks ago   3.64MB',
      'localhost:5000/app      <none>   555555555555   N/A           12B',
      '',
    ].join('\n'),
  );
});

test('digests and whole ids are shown when asked for', () => {
  const text = presentImages([BY_DIGEST], { whole: true, digests: true, now: NOW });
  expect(text).toMatch(/^REPOSITORY +TAG +DIGEST +IMAGE ID/);
  expect(text).toContain(BY_DIGEST.id);
  expect(text).toContain(` sha256:${'d'.repeat(64)} `);
});

test('no images are a heading', () => {
  expect(presentImages([], { whole: false, digests: false, now: NOW })).toBe(
    'REPOSITORY   TAG   IMAGE ID   CREATED   SIZE\n',
  );
});

test.each([
  [0, '0B'],
  [999, '999B'],
  [1_000, '1kB'],
  [7_834_567, '7.83MB'],
  [77_800_000, '77.8MB'],
  [1_250_000_000, '1.25GB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});
