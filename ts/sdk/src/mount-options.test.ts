import { expect, test } from 'vitest';
import { checkMounts, type TmpfsMount, type VolumeMount } from './mount-options.ts';
import { userMounts } from './mounts.ts';

const options = (volume: Partial<VolumeMount>) =>
  userMounts([{ source: '/etc', target: '/in', ...volume }], [])[0]?.mount.options;

test('a volume is recursive and private, and read-only to its last mount', () => {
  expect(options({})).toEqual(['rbind', 'rw', 'rprivate']);
  expect(options({ readOnly: true })).toEqual(['rbind', 'rro', 'rprivate']);
  expect(options({ readOnly: true, readOnlyRecursive: false })).toEqual([
    'rbind',
    'ro',
    'rprivate',
  ]);
  expect(options({ readOnly: true, recursive: false })).toEqual(['bind', 'ro', 'rprivate']);
  expect(options({ propagation: 'rslave' })).toEqual(['rbind', 'rw', 'rslave']);
});

test('a tmpfs is locked unless opened', () => {
  const [plain] = userMounts([], [{ target: '/t' }]);
  expect(plain?.mount.options).toEqual(['nosuid', 'noexec', 'nodev']);
  const open = {
    exec: true,
    suid: true,
    dev: true,
    readOnly: true,
    mode: 0o750,
    uid: 1,
    inodes: 9,
  };
  expect(userMounts([], [{ target: '/t', ...open }])[0]?.mount.options).toEqual([
    ...['suid', 'exec', 'dev', 'ro', 'nr_inodes=9', 'mode=750', 'uid=1'],
  ]);
});

test.each<[Partial<VolumeMount>, string]>([
  [{ source: 'etc' }, 'INVALID_MOUNT'],
  [{ source: '/nowhere' }, 'FILE_NOT_FOUND'],
  [{ target: 'in' }, 'INVALID_MOUNT'],
  [{ target: '/proc/sys' }, 'INVALID_MOUNT'],
  [{ propagation: 'everywhere' as 'private' }, 'INVALID_MOUNT'],
  [{ propagation: 'rshared' }, 'NOT_YET'],
])('volume %j is refused with %s', async (volume, code) => {
  const mount = { source: '/etc', target: '/in', ...volume };
  await expect(checkMounts([mount], [])).rejects.toThrow(expect.objectContaining({ code }));
});

test.each<[Partial<TmpfsMount>, string]>([
  [{ target: '/' }, 'INVALID_MOUNT'],
  [{ sizeBytes: 0 }, 'INVALID_LIMIT'],
  [{ inodes: 1.5 }, 'INVALID_LIMIT'],
  [{ mode: 0o10000 }, 'INVALID_MOUNT'],
  [{ uid: -1 }, 'INVALID_MOUNT'],
  [{ gid: 2 ** 32 - 1 }, 'INVALID_MOUNT'],
])('tmpfs %j is refused with %s', async (tmpfs, code) => {
  const mount = { target: '/t', ...tmpfs };
  await expect(checkMounts([], [mount])).rejects.toThrow(expect.objectContaining({ code }));
});

test('two mounts at one place are refused', async () => {
  const volume = { source: '/etc', target: '/in/' };
  await expect(checkMounts([volume], [{ target: '/in' }])).rejects.toThrow('two mounts at /in');
});
