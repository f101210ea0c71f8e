/** Containers where there is nothing but cgroup version 2: placed, limited, entered, ended. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { paths } from '@ctr-ts/dev/repository';
import { Container, run } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';

import { ctr, eventually, execute } from '../../e2e/support/command.ts';

const mount = '/sys/fs/cgroup';
const host = { image: 'host:' } as const;
const shell = (script: string) => ({ ...host, command: ['sh', '-c', script] });
const groupOf = (pid: number | string) =>
  readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().replace('0::', '');
const ours = () =>
  readdirSync(mount, { recursive: true }).filter((name) => /ctr-ts\//.test(`${name}`));

/** Where this user's groups are to be: root's below the root, a user's below what was delegated. */
const user = process.getuid?.() ?? 0;
const base = user === 0 ? '' : `/user.slice/user-${user}.slice/user@${user}.service`;
/** What only root can show: not skipped for others, because nothing is missing there. */
const forRoot: (name: string, body: () => Promise<void>) => void = user === 0 ? test : () => {};

test('a container has its own group below the base, and nothing of it stays', async () => {
  const running = run(shell('sleep 100'));
  const { pid, containerId, enforcement } = await running.started;
  expect(groupOf(pid)).toBe(`${base}/ctr-ts/${containerId}`);
  expect(groupOf('self').startsWith(`${base}/ctr-ts/`)).toBe(false);
  const control = readFileSync(`${mount}${base}/ctr-ts/cgroup.subtree_control`, 'utf8');
  expect(control.trim().split(' ')).toEqual(expect.arrayContaining(['cpu', 'memory', 'pids']));
  const group = enforcement.find((row) => row.feature === 'cgroup');
  expect(group).toMatchObject({ enforced: true });
  await running.kill();
  await running;
  await eventually('the end of the group', () => ours().length === 0);
  expect(existsSync(`${mount}${base}/ctr-ts`)).toBe(false);
});

test('inside, its group is the root, mounted read-only, with its limits', async () => {
  const result = await run({
    ...shell(
      'cat /proc/self/cgroup; cd /sys/fs/cgroup; ' +
        'cat memory.max memory.swap.max pids.max cpu.max; ' +
        'echo max > pids.max; mkdir below; grep " $PWD " /proc/self/mountinfo',
    ),
    memoryBytes: 64 << 20,
    pidsLimit: 50,
    cpus: 0.5,
  });
  const lines = result.stdout.trim().split('\n');
  expect(lines.slice(0, 5)).toEqual([
    '0::/',
    String(64 << 20),
    // docker: as much swap again as memory.
    String(64 << 20),
    '50',
    '50000 100000',
  ]);
  expect(result.stderr.match(/Read-only file system/g)).toHaveLength(2);
  // A user's container has the host's below it.
  expect(lines.at(-1)).toMatch(/ \/ \/sys\/fs\/cgroup ro,.* - cgroup2 /);
});

test('a further process is in the group of its container', async () => {
  await using box = await Container.create(host);
  const running = box.exec(['sleep', '100']);
  const { pid } = await running.started;
  expect(groupOf(pid)).toBe(`${base}/ctr-ts/${box.id}`);
  await running.kill();
  await running;
  expect((await box.exec(['cat', '/proc/self/cgroup'])).stdout).toBe('0::/\n');
});

test('a further process enters a container that hands controllers down in its own group', async () => {
  await using box = await Container.create({ ...host, privileged: true });
  // As systemd does and a container engine in a container: a group with processes hands nothing down.
  const script = `cd /sys/fs/cgroup && mkdir init.scope init.scope/deep
    for pid in $(cat cgroup.procs); do echo $pid >init.scope/cgroup.procs; done 2>/dev/null
    echo +pids >cgroup.subtree_control && cat cgroup.subtree_control`;
  const delegated = await box.exec(['sh', '-c', script]);
  expect(delegated).toMatchObject({ exitCode: 0, stdout: 'pids\n' });
  const entered = await box.exec(['cat', '/proc/self/cgroup']);
  expect(entered, entered.stderr).toMatchObject({ exitCode: 0, stdout: '0::/init.scope\n' });
  const moved = await box.exec(['sh', '-c', 'echo 1 >/sys/fs/cgroup/init.scope/deep/cgroup.procs']);
  expect(moved, moved.stderr).toMatchObject({ exitCode: 0 });
});

forRoot('nobody follows a first process that left the group of its container', async () => {
  const box = await Container.create({ ...host, privileged: true, cgroupns: 'host' });
  const script = `cd ${mount}/ctr-ts/${box.id} && mkdir below && echo 1 >../../cgroup.procs
    echo $$ >below/cgroup.procs && echo +memory >cgroup.subtree_control`;
  try {
    const left = await box.exec(['sh', '-c', script]);
    expect(left, left.stderr).toMatchObject({ exitCode: 0 });
    const refused = box.exec(['true']);
    await expect(refused).rejects.toMatchObject({ code: 'CGROUP_BUSY' });
  } finally {
    await box.remove({ force: true });
  }
});

test('what needs more memory than its limit is killed, and that is said', async () => {
  // Swap is limited too, and there is none.
  const script = 'head -c 300m /dev/zero | tail';
  const killed = await run({ ...shell(script), memoryBytes: 32 << 20 });
  expect(killed).toMatchObject({ oomKilled: true });
  const fine = await run({ ...shell('head -c 1m /dev/zero | tail -c 1'), memoryBytes: 64 << 20 });
  expect(fine).toMatchObject({ exitCode: 0, oomKilled: false });
});

test('a process limit stops a fork bomb', async () => {
  const bomb = 'i=0; while [ $i -lt 60 ]; do sleep 60 & i=$((i+1)); done; echo all';
  const result = await run({ ...shell(bomb), pidsLimit: 20 });
  expect(result.stderr).toMatch(/fork/i);
  expect(result.stdout).not.toContain('all');
  expect(ours()).toEqual([]);
});

test('a busy loop is held to its share of a processor', async () => {
  const running = run({ ...shell('while :; do :; done'), cpus: 0.2 });
  const { pid } = await running.started;
  const file = join(mount, groupOf(pid), 'cpu.stat');
  const read = (name: string) =>
    Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1]);
  const begin = { usedUs: read('usage_usec'), atMs: performance.now() };
  await new Promise((resolve) => setTimeout(resolve, 5000));
  const usedUs = read('usage_usec') - begin.usedUs;
  const share = usedUs / 1000 / (performance.now() - begin.atMs);
  expect(share).toBeGreaterThan(0.1);
  expect(share).toBeLessThanOrEqual(0.24);
  expect(read('nr_throttled')).toBeGreaterThan(10);
  await running.kill();
  await running;
});

forRoot('root in a container opens the devices it was given and no others', async () => {
  // Made on a file system that honours devices, so that only the rules can refuse.
  const open = (name: string) => `(: <${name}) && echo opened`;
  const { stdout, stderr, exitCode } = await run({
    ...shell(
      `cd /dev; mknod disk b 254 0 && mknod kmsg2 c 1 11 && mknod zero2 c 1 5 && echo made;
       ${open('zero2')}; ${open('disk')}; ${open('kmsg2')}; true`,
    ),
    capAdd: ['MKNOD'],
  });
  expect({ stdout, exitCode }, stderr).toEqual({ stdout: 'made\nopened\n', exitCode: 0 });
  expect(stderr.match(/Operation not permitted/g)).toHaveLength(2);
  const privileged = await run({
    ...shell(`cd /dev; mknod k c 1 11; ${open('k')}`),
    privileged: true,
  });
  expect(privileged.stdout).toBe('opened\n');
});

forRoot('device rules are reported as enforced, and hold for exec', async () => {
  await using box = await Container.create({ ...host, capAdd: ['MKNOD'] });
  const running = run(shell('sleep 100'));
  const { enforcement } = await running.started;
  expect(enforcement.find((row) => row.feature === 'device rules')).toMatchObject({
    supported: true,
    enforced: true,
  });
  await running.kill();
  await running;
  const entered = await box.exec([
    'sh',
    '-c',
    'mknod /dev/kmsg2 c 1 11 && echo made; : </dev/kmsg2',
  ]);
  expect(entered.stdout).toBe('made\n');
  expect(entered.stderr).toContain('Operation not permitted');
});

forRoot('in a user namespace device rules are left out only where that is no loss', async () => {
  // With the ids a container manager maps; unshare itself maps one, or needs its helpers.
  const namespace = `unshare -U sh -c '
      until grep -q 65536 /proc/self/gid_map; do sleep 0.1; done; exec "$@"' sh "$@" &
    until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.1; done
    for map in uid_map gid_map; do echo 0 0 65536 >/proc/$!/$map; done; wait $!`;
  const words = [paths.launcher, 'run', '--rm', '--pids-limit', '30'];
  const inside = (...args: string[]) =>
    execute('sh', ['-c', namespace, 'sh', ...words, ...args], { timeoutMs: 60_000 });
  const usual = await inside('host:', 'echo', 'hi');
  expect(usual, usual.stderr).toMatchObject({ exitCode: 0, stdout: 'hi\n' });
  const whole = await inside('--device', '/dev/kmsg:/dev/kmsg:rw', 'host:', 'echo', 'hi');
  expect(whole, whole.stderr).toMatchObject({ exitCode: 0, stdout: 'hi\n' });
  const part = await inside('--device', '/dev/kmsg:/dev/kmsg:r', 'host:', 'echo', 'hi');
  expect(part).toMatchObject({ exitCode: 125, stdout: '' });
  expect(part.stderr).toContain('[CGROUP_UNAVAILABLE]');
});

test('the end of a container ends what it left behind, in groups of its own too', async () => {
  const script = 'setsid sh -c "trap \\"\\" TERM; sleep 300 & sleep 300" & sleep 0.3';
  const result = await run({ ...shell(script), pidsLimit: 30 });
  expect(result.exitCode).toBe(0);
  await eventually('the end of the groups', () => ours().length === 0);
});

test('explain shows the control files with their values', async () => {
  await using box = await Container.create({ ...host, pidsLimit: 33 });
  const ended = await ctr(['explain', '--json', box.id]);
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(ended.stdout).toMatch(/pids\.max",\s*"value": "33"/);
});
