import { resolve } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { parseMount } from './docker-mount-fields.ts';

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
  [
    'type=bind,src=/a,dst=/b,bind-recursive=writable,readonly',
    { ...BIND, readOnly: true, readOnlyRecursive: false },
  ],
  [
    'type=bind,src=/a,dst=/b,bind-recursive=readonly,readonly,bind-propagation=rprivate',
    { ...BIND, readOnly: true, propagation: 'rprivate' },
  ],
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

test.each([
  ['bind-recursive=readonly', 'readonly'],
  ['bind-recursive=readonly,readonly=false', 'readonly'],
  ['bind-recursive=writable', 'readonly'],
  ['bind-recursive=writable,bind-recursive=enabled', 'readonly'],
  ['bind-recursive=readonly,ro', 'bind-propagation=rprivate'],
  ['bind-recursive=readonly,ro,bind-propagation=rslave', 'bind-propagation=rprivate'],
])('--mount type=bind,...,%s is not mounted writable in silence', (words, needed) => {
  expect(() => parseMount(`type=bind,src=/a,dst=/b,${words}`)).toThrow(
    `requires '${needed}' to be specified in conjunction`,
  );
});

test.each(['bind-nonrecursive', 'bind-recursive=disabled', 'bind-recursive=writable'])(
  '--mount with bind-recursive=readonly and %s is refused',
  (other) => {
    const text = `type=bind,src=/a,dst=/b,ro,bind-propagation=rprivate,bind-recursive=readonly,${other}`;
    expect(codeOf(() => parseMount(text))).toBe('INVALID_MOUNT');
  },
);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CtrError) return error.code;
    throw error;
  }
  return 'no error';
}
