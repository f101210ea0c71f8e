import type { StoredImage } from '@ctr-ts/image';
import { expect, test } from 'vitest';
import { describeImage, describeWithConfig, familiarReference } from './image-info.ts';

const STORED = {
  references: ['docker.io/library/alpine:latest', 'localhost:5000/team/app:1'],
  digest: `sha256:${'1'.repeat(64)}`,
  manifest: `sha256:${'2'.repeat(64)}`,
  config: `sha256:${'3'.repeat(64)}`,
  platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
  createdAt: '2026-01-02T03:04:05Z',
  sizeBytes: 7,
  pulledAt: 0,
} as unknown as StoredImage;

test('a stored image is described in words', () => {
  expect(describeImage(STORED)).toEqual({
    id: STORED.config,
    references: STORED.references,
    names: ['alpine:latest', 'localhost:5000/team/app:1'],
    digest: STORED.digest,
    platform: 'linux/arm/v7',
    createdAt: '2026-01-02T03:04:05.000Z',
    sizeBytes: 7,
    pulledAt: '1970-01-01T00:00:00.000Z',
  });
});

test('its config is said in the words of the options', () => {
  const config = {
    ...{ env: ['A=1'], entrypoint: [], cmd: ['sh'], workdir: '', user: '', labels: {} },
    ...{ stopSignal: undefined, volumes: [], exposedPorts: ['80/tcp'] },
  };
  expect(describeWithConfig(STORED, config).config).toEqual({
    ...{ env: ['A=1'], entrypoint: [], command: ['sh'], workdir: '', user: '', labels: {} },
    ...{ stopSignal: null, volumes: [], exposedPorts: ['80/tcp'] },
  });
});

test.each([undefined, '', 'yesterday', '2026', '0001-01-01T00:00:00Z'])(
  'an image made %j says nothing',
  (text) => {
    expect(describeImage({ ...STORED, createdAt: text }).createdAt).toBeNull();
  },
);

test('what is no registry reference stays as it is', () => {
  expect(['host:', 'oci:/x:y', 'docker.io/library/a:b'].map(familiarReference)).toEqual([
    'host:',
    'oci:/x:y',
    'a:b',
  ]);
});
