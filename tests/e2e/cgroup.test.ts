/** Control groups by hand: `ctr-ts cgroup create | set | attach | stat | tree | rm`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { cpuUsageOf } from '@ctr-ts/dev/cpu-usage';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { ctr, type Started, start } from './support/command.ts';
import { isUnified } from './support/hierarchy.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

const name = `e2e-${process.pid}`;
let before: Machine;
let busy: Started;
beforeAll(() => {
  before = snapshot();
});
beforeEach(() => {
  busy = start('/bin/sh', ['-c', 'while :; do :; done'], { timeoutMs: 60_000 });
});
afterEach(async () => {
  busy.killGroup();
  await busy.ended;
  await ctr(['cgroup', 'rm', name]);
  expect((await leftSince(before)).filter((line) => !line.endsWith('/ctr-ts'))).toEqual([]);
});

const json = async (...args: string[]) => {
  const ended = await ctr(['cgroup', ...args, '--json']);
  expect(ended.exitCode, ended.stdout + ended.stderr).toBe(0);
  return JSON.parse(ended.stdout);
};
/** Share of one processor that the whole group of the process used. */
async function share(forMs: number): Promise<{ share: number; throttled: number }> {
  const first = cpuUsageOf(busy.pid);
  await sleep(forMs);
  const last = cpuUsageOf(busy.pid);
  const used = (last.usageNs - first.usageNs) / (last.readAtNs - first.readAtNs);
  return { share: used, throttled: last.throttled - first.throttled };
}

test("a busy process that is attached falls to its group's share", async () => {
  const made = await ctr(['cgroup', 'create', name, '--cpus', '0.2']);
  expect(made, made.stderr).toMatchObject({ exitCode: 0 });
  expect(made.stdout).toMatch(/cpu\.(cfs_quota_us|max)/);
  expect(await ctr(['cgroup', 'attach', name, String(busy.pid)])).toMatchObject({
    exitCode: 0,
    stderr: '',
  });
  expect(readFileSync(`/proc/${busy.pid}/cgroup`, 'utf8')).toMatch(
    new RegExp(`:(cpu[^:]*)?:.*/ctr-ts/${name}$`, 'm'),
  );
  await sleep(300);
  const limited = await share(4000);
  expect(limited.share).toBeLessThanOrEqual(0.23);
  expect(limited.share).toBeGreaterThan(0.1);
  expect(limited.throttled).toBeGreaterThan(10);

  const stat = await json('stat', name);
  expect(stat.stats.cpu.throttledPeriods).toBeGreaterThan(10);
  expect(stat.pids).toEqual([busy.pid]);
  expect((await ctr(['cgroup', 'stat', name])).stdout).toMatch(/throttled/);
});

test('set changes the limit of a group that is in use', async () => {
  await json('create', name, '--cpus', '0.2');
  await json('attach', name, String(busy.pid));
  await json('set', name, '--cpus', '0.6', '--pids-limit', '17');
  await sleep(300);
  const { share: used } = await share(2000);
  expect(used).toBeGreaterThan(0.4);
  expect(used).toBeLessThan(0.7);
  const stat = await json('stat', name);
  expect(Object.values(stat.limits)).toContain('17');
});

test('tree shows controllers, what children can have, our groups and their limits', async () => {
  await json('create', name, '--cpus', '0.2', '--memory', '64m');
  const { stdout } = await ctr(['cgroup', 'tree']);
  expect(stdout).toMatch(/HIERARCHY +KIND +CONTROLLERS +FOR CHILDREN/);
  expect(stdout).toMatch(/\bcpu\b/);
  expect(stdout).toMatch(new RegExp(`${name} +0 processes.*67108864`));
});

test('rm refuses a group in use, removes an empty one, and the kernel has nothing left', async () => {
  const { directories } = await json('create', name, '--cpus', '0.2', '--memory', '64m');
  // One for each hierarchy.
  expect(directories.length > 1).toBe(!isUnified);
  await json('attach', name, String(busy.pid));
  expect(await ctr(['cgroup', 'rm', name])).toMatchObject({
    exitCode: 125,
    stderr: expect.stringMatching(/\[CGROUP_BUSY\]\n {2}next: /),
  });
  busy.killGroup();
  await busy.ended;
  expect(await ctr(['cgroup', 'rm', name])).toMatchObject({ exitCode: 0 });
  for (const directory of directories as string[])
    expect(existsSync(join(directory)), directory).toBe(false);
  expect((await ctr(['cgroup', 'stat', name])).stderr).toContain('[CGROUP_NOT_FOUND]');
});

test('bad values and names are refused and make nothing', async () => {
  const cases: [string[], string][] = [
    [['create', name, '--cpus', 'many'], 'INVALID_LIMIT'],
    [['create', name, '--memory', '12 apples'], 'INVALID_LIMIT'],
    [['create', '../escape', '--cpus', '0.2'], 'CGROUP_INVALID'],
    [['attach', name, String(busy.pid)], 'CGROUP_NOT_FOUND'],
    [['set', name, '--cpus', '0.1'], 'CGROUP_NOT_FOUND'],
    [['rm', name], 'CGROUP_NOT_FOUND'],
  ];
  for (const [args, code] of cases) {
    const ended = await ctr(['cgroup', ...args]);
    expect(ended, args.join(' ')).toMatchObject({ exitCode: 125, stdout: '' });
    expect(ended.stderr, args.join(' ')).toContain(`[${code}]`);
  }
});
