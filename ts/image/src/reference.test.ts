import { expect, test } from 'vitest';
import { parseReference } from './reference.ts';

test.each([
  ['host:', { transport: 'host' }],
  ['rootfs:/srv/debian', { transport: 'rootfs', directory: '/srv/debian' }],
  ['rootfs:a:b', { transport: 'rootfs', directory: 'a:b' }],
  ['oci:/images', { transport: 'oci', directory: '/images', tag: undefined }],
  ['oci:images:latest', { transport: 'oci', directory: 'images', tag: 'latest' }],
  ['oci:/a:b/c', { transport: 'oci', directory: '/a:b/c', tag: undefined }],
  ['oci:/a:b/c:v1.2-x', { transport: 'oci', directory: '/a:b/c', tag: 'v1.2-x' }],
  [
    'alpine:3.20',
    {
      transport: 'registry',
      registry: 'docker.io',
      repository: 'library/alpine',
      tag: '3.20',
    },
  ],
  [
    'docker://localhost:5000/x',
    { transport: 'registry', registry: 'localhost:5000', repository: 'x', tag: 'latest' },
  ],
  [
    'docker:dind',
    { transport: 'registry', registry: 'docker.io', repository: 'library/docker', tag: 'dind' },
  ],
])('%s names its source', (text, reference) => {
  expect(parseReference(text)).toEqual(reference);
});

test.each([
  ['', 'INVALID_REFERENCE'],
  ['host:/usr', 'INVALID_REFERENCE'],
  ['rootfs:', 'INVALID_REFERENCE'],
  ['oci:', 'INVALID_REFERENCE'],
  ['oci::tag', 'INVALID_REFERENCE'],
  ['oci:/a:', 'INVALID_REFERENCE'],
  ['oci:/a:bad tag', 'INVALID_REFERENCE'],
  ['rootfs:/a\0b', 'INVALID_REFERENCE'],
  ['-x', 'INVALID_REFERENCE'],
  ['a b', 'INVALID_REFERENCE'],
  ['ftp:/x', 'UNKNOWN_SOURCE'],
  ['ftp:', 'UNKNOWN_SOURCE'],
  ['ftp://host/x', 'UNKNOWN_SOURCE'],
  ['https://host/x', 'UNKNOWN_SOURCE'],
  ['docker-archive:x.tar', 'NOT_YET'],
])('%j is refused with %s and what to use instead', (text, code) => {
  expect(() => parseReference(text)).toThrow(
    expect.objectContaining({ code, hint: expect.stringContaining('oci:DIR[:TAG]') }),
  );
});

test('a long reference is refused in no time', () => {
  const started = performance.now();
  expect(() => parseReference(`${'a-'.repeat(50_000)}!`)).toThrow();
  expect(() => parseReference(`a${':a'.repeat(50_000)}!`)).toThrow();
  expect(performance.now() - started).toBeLessThan(5000);
});
