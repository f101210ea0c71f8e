/** Control groups by hand where there is nothing but version 2: as root, or with a delegated subtree. */
import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { cpuUsageOf } from '@ctr-ts/dev/cpu-usage';
import { paths } from '@ctr-ts/dev/repository';
import { afterEach, expect, test } from 'vitest';

import {
  ctr,
  eventually,
  execute,
  type Started,
  start,
  startCtr,
} from '../../e2e/support/command.ts';

const mount = '/sys/fs/cgroup';
const name = `inside-${process.pid}`;
const user = process.getuid?.() ?? 0;
/** Root's groups are below the root, a user's below what was delegated. */
const base = user === 0 ? mount : `${mount}/user.slice/user-${user}.slice/user@${user}.service`;
const group = `${base}/ctr-ts/${name}`;

const read = (file: string) => readFileSync(join(group, file), 'utf8').trim();
const cgroup = async (...args: string[]) => {
  const ended = await ctr(['cgroup', ...args]);
  expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  return ended.stdout;
};

let started: Started | undefined;
afterEach(async () => {
  started?.killGroup();
  await started?.ended;
  started = undefined;
  // Each start of ctr-ts takes seconds here, and this is not what is tested.
  if (existsSync(group)) await eventually('the end of the group', () => removed(group));
  removed(join(base, 'ctr-ts'));
  const groups = readdirSync(mount, { recursive: true, encoding: 'utf8' });
  expect(groups.filter((path) => path.includes(name))).toEqual([]);
});

/** The last process of a group is in it until it has been reaped. */
function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

test('the machine has one hierarchy, and doctor says so', async () => {
  expect(readFileSync('/proc/self/cgroup', 'utf8')).toMatch(/^0::\/.*\n$/);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  expect(mounts).toMatch(/ \/sys\/fs\/cgroup .* - cgroup2 /);
  expect(mounts).not.toMatch(/ - cgroup /);
  const ended = await ctr(['doctor']);
  expect(ended.exitCode, ended.stdout).toBe(0);
  expect(ended.stdout).toMatch(/cgroup +v2: .*cpu.*memory.*pids/);
});

test('create writes cpu.max, memory.max and pids.max, tree shows them, set changes one', async () => {
  const text = await cgroup(
    'create',
    name,
    '--cpus',
    '0.2',
    '--memory',
    '64m',
    '--pids-limit',
    '9',
  );
  expect(text).toMatch(/^cpu\.max +20000 100000 +20000 100000$/m);
  expect(read('cpu.max')).toBe('20000 100000');
  expect(read('memory.max')).toBe(String(64 << 20));
  expect(read('pids.max')).toBe('9');
  expect(read('cgroup.procs')).toBe('');
  const tree = await cgroup('tree');
  expect(tree).toMatch(/^\/sys\/fs\/cgroup +v2 +.*memory/m);
  expect(tree).toMatch(new RegExp(`${name} +0 processes.*67108864`));
  await cgroup('set', name, '--cpus', '1.5');
  expect(read('cpu.max')).toBe('150000 100000');
  expect(read('pids.max')).toBe('9');
});

test('a busy loop that is attached gets a fifth of a processor, and the group goes', async () => {
  await cgroup('create', name, '--cpus', '0.2');
  started = start('/bin/sh', ['-c', 'while :; do :; done'], { timeoutMs: 60_000 });
  await cgroup('attach', name, String(started.pid));
  expect(read('cgroup.procs')).toBe(String(started.pid));
  await sleep(500);
  const first = cpuUsageOf(started.pid);
  await sleep(5000);
  const last = cpuUsageOf(started.pid);
  expect(first.file).toBe(join(group, 'cpu.stat'));
  const share = (last.usageNs - first.usageNs) / (last.readAtNs - first.readAtNs);
  // One period's slack on either side.
  expect(share).toBeGreaterThan(0.15);
  expect(share).toBeLessThan(0.24);
  expect(last.throttled - first.throttled).toBeGreaterThan(20);
  started.killGroup();
  await started.ended;
  await cgroup('rm', name);
  expect(existsSync(group)).toBe(false);
});

test('a process limit of a group refuses the fork, and is counted', async () => {
  await cgroup('create', name, '--pids-limit', '5');
  const script = 'read go; for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; echo all; wait';
  started = start('/bin/bash', ['-c', script], { input: 'open' });
  await cgroup('attach', name, String(started.pid));
  started.child.stdin?.write('\n');
  await eventually('the refusal', () => /^max [1-9]/m.test(read('pids.events')), 20_000);
  expect(Number(read('pids.current'))).toBeLessThanOrEqual(5);
  expect(started.stdout()).toBe('');
});

test('a memory limit of a group kills what is above it, and is counted', async () => {
  await cgroup('create', name, '--memory', '32m');
  const script = 'read go; exec /usr/bin/python3 -c "x = bytearray(b\'x\') * (200 << 20)"';
  started = start('/bin/sh', ['-c', script], { input: 'open' });
  await cgroup('attach', name, String(started.pid));
  started.child.stdin?.write('\n');
  expect((await started.ended).signal).toBe('SIGKILL');
  const stat = JSON.parse(await cgroup('stat', name, '--json'));
  expect(stat.stats.memory).toMatchObject({ limitBytes: 32 << 20, oomKills: 1 });
});

test('what somebody put into the group of a container ends with the container', async () => {
  const words = ['run', '--rm', '-i', '--pids-limit', '20', 'host:', 'sh', '-c', 'echo up; read x'];
  const container = startCtr(words, { input: 'open', timeoutMs: 60_000 });
  await container.until(/up/);
  const [id = ''] = readdirSync(join(base, 'ctr-ts'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  started = start('/bin/sh', ['-c', 'trap "" TERM HUP; while :; do sleep 0.1; done']);
  writeFileSync(join(base, 'ctr-ts', id, 'cgroup.procs'), String(started.pid));
  container.child.stdin?.end('\n');
  expect(await container.ended).toMatchObject({ exitCode: 0, stdout: 'up\n' });
  // The launcher removes the group after it has told how the container ended.
  expect((await started.ended).signal).toBe('SIGKILL');
  await eventually('the end of the group', () => !existsSync(join(base, 'ctr-ts', id)));
});

// strace without a stop for every call needs no_new_privs for others than root.
if (user === 0) {
  test('a container is born in its group, nobody is moved there', async () => {
    const traced = ['-f', '--seccomp-bpf', '-qq', '-e', 'trace=clone3,openat', '-e', 'signal=none'];
    const run = ['run', '--rm', '--pids-limit', '20', 'host:', 'cat', '/proc/self/cgroup'];
    const ended = await execute('strace', [...traced, paths.launcher, ...run], {
      timeoutMs: 60_000,
    });
    expect(ended).toMatchObject({ exitCode: 0, stdout: '0::/\n' });
    expect(ended.stderr).toMatch(/clone3\(\{flags=[^}]*CLONE_INTO_CGROUP/);
    expect(ended.stderr).not.toMatch(/cgroup\.procs", O_(WRONLY|RDWR)/);
  });
}
