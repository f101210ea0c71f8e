import { resolve } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { parseMount, parseTmpfs, parseVolume } from './docker-mounts.ts';

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

const BIND = { source: '/a', target: '/b', readOnly: false };

test.each([
  ['type=bind,source=/a,target=/b', BIND],
  ['type=BIND,src=/a,dst=/b', BIND],
  ['destination=/b,type=bind,src=./a', { ...BIND, source: resolve('a') }],
  ['type=bind,src=/a,dst=/b,readonly', { ...BIND, readOnly: true }],
  ['type=bind,src=/a,dst=/b,ro=true', { ...BIND, readOnly: true }],
  ['type=bind,src=/a,dst=/b,readonly=0', BIND],
  ['type=bind,src=/a,dst=/b,consistency=cached', BIND],
  ['type=bind,src=/a,dst=/b,bind-propagation=RSLAVE', { ...BIND, propagation: 'rslave' }],
  ['type=bind,src=/a,dst=/b,bind-nonrecursive', { ...BIND, recursive: false }],
  ['type=bind,src=/a,dst=/b,bind-recursive=disabled', { ...BIND, recursive: false }],
  ['type=bind,src=/a,dst=/b,bind-recursive=writable', { ...BIND, readOnlyRecursive: false }],
  ['type=bind,src=/a,dst=/b,bind-recursive=enabled', BIND],
  ['type=bind,"src=/with,comma",dst=/b', { ...BIND, source: '/with,comma' }],
  ['type=bind,"src=/with""quote",dst=/b', { ...BIND, source: '/with"quote' }],
  ['type=bind,src=/a=b,dst=/b', { ...BIND, source: '/a=b' }],
])('--mount %s', (text, volume) => {
  expect(parseMount(text)).toEqual({ volume });
});

test('--mount of a tmpfs', () => {
  expect(parseMount('type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770,ro')).toEqual({
    tmpfs: { target: '/t', sizeBytes: 1024 ** 2, mode: 0o1770, readOnly: true },
  });
});

test.each([
  ['', 'INVALID_MOUNT'],
  ['type=bind', 'INVALID_MOUNT'],
  ['type=bind,dst=/b', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,colour=red', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,readonly=perhaps', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,bind-recursive=some', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,tmpfs-size=1m', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,volume-nocopy', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,"x"y', 'INVALID_MOUNT'],
  ['type=bind,src=/a,dst=/b,bind-create-src', 'NOT_YET'],
  ['type=tmpfs,dst=/b,src=/a', 'INVALID_MOUNT'],
  ['type=tmpfs,dst=/b,tmpfs-mode=8', 'INVALID_MOUNT'],
  ['type=tmpfs,dst=/b,tmpfs-size=big', 'INVALID_LIMIT'],
  ['type=npipe,src=/a,dst=/b', 'INVALID_MOUNT'],
  ['type=volume,src=data,dst=/b', 'NOT_YET'],
  ['src=data,dst=/b', 'NOT_YET'],
  ['type=image,src=alpine,dst=/b', 'NOT_YET'],
])('--mount %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseMount(text))).toBe(code);
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
