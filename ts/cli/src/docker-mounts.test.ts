import { resolve } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { parseTmpfs, parseVolume } from './docker-mounts.ts';

test.each([
  ['/a:/b', { source: '/a', target: '/b', readOnly: false }],
  ['/a:/b:ro', { source: '/a', target: '/b', readOnly: true }],
  ['/a:/b:rw', { source: '/a', target: '/b', readOnly: false }],
  ['./a:/b', { source: resolve('a'), target: '/b', readOnly: false }],
  ['/a:/b:z', { source: '/a', target: '/b', readOnly: false, relabel: 'shared' }],
  ['/a:/b:ro,Z', { source: '/a', target: '/b', readOnly: true, relabel: 'private' }],
  ['/a:/b:rslave,ro', { source: '/a', target: '/b', readOnly: true, propagation: 'rslave' }],
  ['/a:/b:cached', { source: '/a', target: '/b', readOnly: false }],
])('volume %s', (text, volume) => {
  expect(parseVolume(text)).toEqual(volume);
});

test.each([
  ['/a:/b:ro:x', 'INVALID_MOUNT'],
  ['/a:/b:', 'INVALID_MOUNT'],
  [':/b', 'INVALID_MOUNT'],
  ['/a:', 'INVALID_MOUNT'],
  ['/a:/b:ro,rw', 'INVALID_MOUNT'],
  ['/a:/b:z,Z', 'INVALID_MOUNT'],
  ['/a:/b:slave,shared', 'INVALID_MOUNT'],
  ['/a:/b:constructor', 'INVALID_MOUNT'],
  ['/a', 'NOT_YET'],
  ['data:/b', 'NOT_YET'],
])('volume %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseVolume(text))).toBe(code);
});

test('a tmpfs has a target and the options of mount', () => {
  expect(parseTmpfs('/run')).toEqual({ target: '/run' });
  expect(parseTmpfs('/run:rw,nosuid,size=64m')).toEqual({
    target: '/run',
    readOnly: false,
    suid: false,
    sizeBytes: 64 * 1024 ** 2,
  });
  expect(parseTmpfs('/run:exec,dev,ro,mode=0750,uid=1,gid=2,nr_inodes=4k')).toEqual({
    target: '/run',
    exec: true,
    dev: true,
    readOnly: true,
    mode: 0o750,
    uid: 1,
    gid: 2,
    inodes: 4096,
  });
});

test.each([
  ['/run:size=big', 'INVALID_LIMIT'],
  ['/run:mode=9', 'INVALID_MOUNT'],
  ['/run:uid=root', 'INVALID_MOUNT'],
  ['/run:mpol=bind', 'NOT_YET'],
  ['/run:size', 'NOT_YET'],
  ['/run:toString', 'NOT_YET'],
])('tmpfs %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseTmpfs(text))).toBe(code);
});

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CtrError) return error.code;
    throw error;
  }
  return 'no error';
}
