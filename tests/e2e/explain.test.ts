/** `ctr-ts explain`: everything that confines a container, and none of it invented. */
import { readFileSync } from 'node:fs';

import type { Plan } from '@ctr-ts/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { ctr, type Started, startCtr } from './support/command.ts';
import { groupOf, isUnified } from './support/hierarchy.ts';
import { leftSince, snapshot } from './support/machine.ts';

const name = 'e2e-explain';
const flags = [
  ...['--hostname', 'inner', '--memory', '96m', '--cpus', '0.5', '--pids-limit', '77'],
  ...['--cap-add', 'NET_ADMIN', '--cap-drop', 'MKNOD', '--tmpfs', '/scratch:size=1m'],
];
let started: Started;
beforeAll(async () => {
  started = startCtr([
    'run',
    '--rm',
    '--name',
    name,
    ...flags,
    'host:',
    'sh',
    '-c',
    'echo up; sleep 281',
  ]);
  await started.until(/up/);
});
afterAll(async () => {
  await ctr(['rm', '-f', name]);
  await started.ended;
});

const explain = async (...args: string[]) => {
  const ended = await ctr(['explain', ...args]);
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(ended.stderr).toBe('');
  return ended.stdout;
};
/** The section with this title, up to the blank line. */
const section = (text: string, title: string) =>
  text.split(/\n\s*\n/).find((part) => part.trimStart().startsWith(title)) ?? '';

const titles = ['NAMESPACES', 'MOUNTS', 'CGROUP', 'CAPABILITIES', 'SECCOMP'];

test('--plan tells every kind of confinement from outside and inside, and makes nothing', async () => {
  const before = snapshot();
  const text = await explain('--plan', ...flags, 'host:', 'id');
  for (const title of titles) expect(text).toMatch(new RegExp(`^${title}`, 'm'));
  expect(section(text, 'NAMESPACES')).toMatch(/outside +inside/);
  for (const kind of ['pid', 'mount', 'uts', 'ipc', 'network', 'cgroup']) {
    expect(section(text, 'NAMESPACES')).toMatch(new RegExp(`^ +${kind} +new`, 'm'));
  }
  expect(section(text, 'MOUNTS')).toMatch(/\/scratch .*tmpfs/);
  expect(section(text, 'CGROUP')).toContain('100663296');
  expect(section(text, 'CAPABILITIES')).toMatch(/net_admin/i);
  expect(section(text, 'CAPABILITIES')).not.toMatch(/\bmknod\b/i);
  expect(section(text, 'SECCOMP')).toMatch(/\bopenat\b/);
  expect(await leftSince(before)).toEqual([]);
});

test('--plan --json is the Plan, with a reason for each filter rule', async () => {
  const plan = JSON.parse(await explain('--plan', '--json', ...flags, 'host:', 'id')) as Plan;
  expect(plan.hostname).toBe('inner');
  expect(plan.cgroup?.resources).toMatchObject({ memoryLimitBytes: 96 << 20, pidsLimit: 77 });
  expect(plan.process.program).toEqual({ kind: 'command', args: ['id'] });
  expect(plan.process.seccomp?.rules.length).toBeGreaterThan(5);
  for (const rule of plan.process.seccomp?.rules ?? []) expect(rule.reason).not.toBe('');
  expect(plan.maskedPaths).toContain('/proc/kcore');
  expect(plan.devices.map(({ path }) => path)).toContain('/dev/null');
});

test('of a running container it tells what the kernel tells', async () => {
  const text = await explain(name);
  for (const title of titles) expect(text).toMatch(new RegExp(`^${title}`, 'm'));
  const { pid, cgroups } = JSON.parse((await ctr(['inspect', name])).stdout)[0] as {
    pid: number;
    cgroups: string[];
  };
  const json = await explain('--json', name);
  for (const kind of ['pid', 'mnt', 'uts', 'ipc', 'net', 'cgroup']) {
    const inode = /\[(\d+)\]/.exec(
      (await ctr(['exec', name, 'readlink', `/proc/1/ns/${kind}`])).stdout,
    )?.[1];
    expect(inode, kind).toBeDefined();
    expect(text, kind).toContain(inode);
    expect(json, kind).toContain(inode);
  }
  expect(text).toContain(String(pid));
  for (const directory of cgroups) expect(json).toContain(directory);
  const memory = groupOf(pid, 'memory');
  expect(cgroups).toContain(memory);
  const file = isUnified ? 'memory.max' : 'memory.limit_in_bytes';
  expect(readFileSync(`${memory}/${file}`, 'utf8').trim()).toBe('100663296');
  expect(text).toContain('100663296');
  expect(text).toMatch(/net_admin/i);
});

test('every mount the container has is in what it tells', async () => {
  const text = await explain('--json', name);
  const mounts = (await ctr(['exec', name, 'cat', '/proc/self/mountinfo'])).stdout
    .trim()
    .split('\n');
  const missing = mounts
    .map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target !== '/' && !text.includes(JSON.stringify(target).slice(1, -1)));
  expect(missing).toEqual([]);
});

test('unconfined and privileged are told as such', async () => {
  const text = await explain('--plan', '--privileged', 'host:', 'id');
  expect(section(text, 'SECCOMP')).toMatch(/unconfined +no filter/);
});
