/** Tests over the policy tables: what must hold whatever rows are added. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  decodeCapabilities,
  resolveCapabilities,
  WITHHELD_CAPABILITIES,
} from './capabilities.ts';
import { DEVICE_RULES } from './device-rules.ts';
import { MASKED_PATHS, READONLY_PATHS } from './hidden-paths.ts';
import { defaultMounts, userMounts } from './mounts.ts';

test('every row of a policy table has a reason and stands once', () => {
  for (const table of [MASKED_PATHS, READONLY_PATHS]) {
    expect(new Set(table.map((row) => row.path)).size).toBe(table.length);
    for (const row of table) expect(row.reason.length, row.path).toBeGreaterThan(10);
    for (const row of table) expect(row.path).toMatch(/^\/(proc|sys)\/[^*]+$/);
  }
  const capabilities = [...DEFAULT_CAPABILITIES, ...WITHHELD_CAPABILITIES];
  expect(new Set(capabilities.map((row) => row.name)).size).toBe(capabilities.length);
  for (const row of capabilities) expect(row.reason.length, row.name).toBeGreaterThan(10);
});

test('the capability table has the numbering of the kernel headers', () => {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
  expect(CAPABILITIES.length).toBeGreaterThan(last);
  expect(CAPABILITIES[0]).toBe('CHOWN');
  expect(CAPABILITIES[12]).toBe('NET_ADMIN');
  expect(CAPABILITIES[21]).toBe('SYS_ADMIN');
  expect(CAPABILITIES[31]).toBe('SETFCAP');
  expect(CAPABILITIES[40]).toBe('CHECKPOINT_RESTORE');
});

test('the default capabilities are the ten that packages and services need', () => {
  expect(resolveCapabilities({}).toSorted()).toEqual([
    'CHOWN',
    'DAC_OVERRIDE',
    'FOWNER',
    'FSETID',
    'KILL',
    'NET_BIND_SERVICE',
    'SETFCAP',
    'SETGID',
    'SETPCAP',
    'SETUID',
  ]);
});

test.each([
  [{ capDrop: ['ALL'] }, []],
  [{ capDrop: ['ALL'], capAdd: ['NET_RAW', 'cap_kill'] }, ['KILL', 'NET_RAW']],
  [
    { capAdd: ['ALL'], capDrop: ['SYS_ADMIN'] },
    CAPABILITIES.filter((name) => name !== 'SYS_ADMIN'),
  ],
  [{ privileged: true }, [...CAPABILITIES]],
  [{ privileged: true, capDrop: ['MKNOD'] }, CAPABILITIES.filter((name) => name !== 'MKNOD')],
])('%j resolves as in docker', (options, names) => {
  expect(resolveCapabilities(options)).toEqual(names);
});

test('all capabilities are those that can be had, but a named one is never dropped in silence', () => {
  expect(resolveCapabilities({ privileged: true }, ['CHOWN', 'KILL'])).toEqual(['CHOWN', 'KILL']);
  expect(resolveCapabilities({ privileged: true, capAdd: ['BPF'] }, ['CHOWN'])).toEqual([
    'CHOWN',
    'BPF',
  ]);
});

test.each([[{ capAdd: ['ROOT'] }], [{ capDrop: ['CAP_NOTHING'] }], [{ capAdd: [''] }]])(
  '%j is an unknown capability',
  (options) => {
    expect(() => resolveCapabilities(options)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_CAPABILITY' }),
    );
  },
);

test('a capability mask is decoded bit by bit, unknown bits too', () => {
  expect(decodeCapabilities('0000000000000000')).toEqual([]);
  expect(decodeCapabilities('0000000000000021')).toEqual(['CHOWN', 'KILL']);
  expect(decodeCapabilities('8000000000000000')).toEqual(['CAP_63']);
});

test('device rules deny everything first and then allow only what the host has under that number', () => {
  expect(DEVICE_RULES[0]?.rule).toEqual({ allow: false, access: 'rwm' });
  expect(DEVICE_RULES.slice(1).every((row) => row.rule.allow)).toBe(true);
  for (const { rule, reason } of DEVICE_RULES) {
    const path = /^\/dev\/\w+$/.exec(reason.split(' ')[0] ?? '')?.[0];
    if (path === undefined || rule.major === undefined) continue;
    const found = execFileSync('stat', ['-c', '%Hr %Lr', path], { encoding: 'utf8' }).trim();
    expect(`${rule.major} ${rule.minor}`, path).toBe(found);
  }
  expect(DEVICE_RULES.filter((row) => row.rule.type === 'b').map((row) => row.rule.access)).toEqual(
    ['m'],
  );
});

const ROOTFUL = { rootless: false, ttyGroup: true, hostNetwork: false, privileged: false };

test('no kernel file system is writable unless the container is privileged', () => {
  for (const rootless of [false, true]) {
    const mounts = defaultMounts({ ...ROOTFUL, rootless }).map((row) => row.mount);
    for (const path of ['/sys', '/sys/fs/cgroup']) {
      const options = mounts.find((mount) => mount.destination === path)?.options;
      expect(
        options?.some((option) => option === 'ro' || option === 'rro'),
        path,
      ).toBe(true);
    }
    for (const { destination, options } of mounts) {
      expect(
        options?.some((option) => /^r?nosuid$/.test(option)),
        destination,
      ).toBe(true);
    }
  }
});

test('a parent is mounted before what lies in it', () => {
  const order = defaultMounts(ROOTFUL).map((row) => row.mount.destination);
  order.forEach((path, index) => {
    for (const later of order.slice(index + 1)) expect(path.startsWith(`${later}/`)).toBe(false);
  });
});

test('the tty group is only named where the user namespace maps it', () => {
  const options = (ttyGroup: boolean) =>
    defaultMounts({ ...ROOTFUL, ttyGroup }).find((row) => row.mount.destination === '/dev/pts')
      ?.mount.options;
  expect(options(true)).toContain('gid=5');
  expect(options(false)).not.toContain('gid=5');
});

test('volumes are sorted so that nested ones stay visible', () => {
  const rows = userMounts(
    [
      { source: '/a', target: '/work/deep/er' },
      { source: '/b', target: '/work', readOnly: true },
    ],
    [{ target: '/work/deep' }],
  );
  expect(rows.map((row) => row.mount.destination)).toEqual([
    '/work',
    '/work/deep',
    '/work/deep/er',
  ]);
  expect(rows[0]?.mount.options).toContain('rro');
});
