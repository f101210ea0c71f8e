import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  parseCgroups,
  parseIdMap,
  parseMountinfo,
  parseStatus,
  readNamespaces,
  readProc,
  statusCapabilities,
} from './proc.ts';

test('our own namespaces are not its own', async () => {
  const views = await readNamespaces(process.pid);
  expect(views.map(({ kind }) => kind)).toContain('pid');
  expect(views.every(({ own, inode }) => !own && inode > 0)).toBe(true);
});

test('a process that is gone has no namespaces and empty files', async () => {
  const { pid } = JSON.parse(
    execFileSync(process.execPath, ['-p', 'JSON.stringify({ pid: process.pid })'], {
      encoding: 'utf8',
    }),
  ) as { pid: number };
  expect(await readNamespaces(pid)).toEqual([]);
  expect(await readProc(pid, 'status')).toBe('');
});

test('mounts are read with both kinds of options and decoded names', () => {
  const [mount] = parseMountinfo(
    '36 35 98:0 /sub\\040dir /mnt/a\\134b rw,noatime shared:1 master:2 - ext3 /dev/root rw,errors=continue\n',
  );
  expect(mount).toEqual({
    target: '/mnt/a\\b',
    type: 'ext3',
    source: '/dev/root',
    root: '/sub dir',
    options: ['rw', 'noatime', 'errors=continue'],
    propagation: ['shared:1', 'master:2'],
  });
});

test('every mount of this machine can be read', () => {
  const text = readFileSync('/proc/self/mountinfo', 'utf8');
  const mounts = parseMountinfo(text);
  expect(mounts).toHaveLength(text.trim().split('\n').length);
  for (const { target, type } of mounts) {
    expect(target).toMatch(/^\//);
    expect(type).not.toBe('');
  }
  expect(mounts.find(({ target }) => target === '/proc')?.type).toBe('proc');
});

test('a status file has names, and sets of capabilities in it are decoded', async () => {
  const status = parseStatus(await readProc(process.pid, 'status'));
  expect(Number(status['Pid'])).toBe(process.pid);
  const { effective, bounding } = statusCapabilities(status);
  expect(effective.every((name) => bounding.includes(name))).toBe(true);
});

test('an id map has one row per line', () => {
  expect(
    parseIdMap('         0       1000          1\n         1     100000      65536\n'),
  ).toEqual([
    { inside: 0, outside: 1000, count: 1 },
    { inside: 1, outside: 100_000, count: 65_536 },
  ]);
});

test('cgroup lines of v1, named and v2 hierarchies are told apart', () => {
  expect(parseCgroups('7:cpu,cpuacct:/a\n1:name=systemd:/b:c\n0::/d\n')).toEqual([
    { hierarchy: 'cpu,cpuacct', path: '/a' },
    { hierarchy: 'name=systemd', path: '/b:c' },
    { hierarchy: 'unified', path: '/d' },
  ]);
});
