/** One container seen by several `ctr-ts` processes, and by the SDK: ps, exec, inspect, kill, rm. */
import { existsSync } from 'node:fs';

import { Container, run } from '@ctr-ts/sdk';
import { afterEach, beforeAll, expect, test } from 'vitest';

import { ctr, eventually, isAlive, type Started, startCtr } from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

const name = 'e2e-lifecycle';
let before: Machine;
beforeAll(async () => {
  // The launcher lives as long as this process and is no leak.
  await run({ image: 'host:', command: ['true'] });
  before = snapshot();
});
afterEach(async () => {
  await ctr(['rm', '-f', name]);
});

/** A container in a `ctr-ts run` of its own that runs until it is told otherwise. */
async function startContainer(...flags: string[]): Promise<Started> {
  const script = 'trap "exit 7" TERM; trap "echo hup" HUP; echo up; while :; do sleep 0.1; done';
  const started = startCtr(['run', '--name', name, ...flags, 'host:', 'sh', '-c', script]);
  await started.until(/up/);
  return started;
}

const inspect = async () => {
  const { stdout, stderr } = await ctr(['inspect', name]);
  expect(stderr).toBe('');
  return JSON.parse(stdout)[0] as {
    id: string;
    pid: number;
    status: string;
    exit: unknown;
    cgroups: string[];
  };
};

test('ps of another process shows it while it runs, with --rm not afterwards', async () => {
  const started = await startContainer('--rm');
  const { stdout } = await ctr(['ps']);
  expect(stdout).toMatch(new RegExp(`^[0-9a-f]{12} +host: +.*Up .*${name}$`, 'm'));
  await ctr(['kill', '-s', 'TERM', name]);
  expect((await started.ended).exitCode).toBe(7);
  expect((await ctr(['ps', '-a'])).stdout).not.toContain(name);
});

test('inspect tells its pid, which is alive and its own PID 1', async () => {
  const started = await startContainer('--rm', '-l', 'a=b', '-e', 'X=y');
  const info = await inspect();
  expect(info).toMatchObject({
    status: 'running',
    labels: { a: 'b' },
    image: 'host:',
    name,
    exit: null,
  });
  expect(isAlive(info.pid)).toBe(true);
  expect(existsSync(`/proc/${info.pid}/ns/pid`)).toBe(true);
  for (const directory of info.cgroups) expect(existsSync(directory), directory).toBe(true);
  await ctr(['kill', name]);
  expect((await started.ended).exitCode).toBe(137);
  for (const directory of info.cgroups) expect(existsSync(directory), directory).toBe(false);
});

test('exec runs in the same namespaces, with its own environment, directory and user', async () => {
  const started = await startContainer('--rm', '-e', 'X=y', '--hostname', 'shared');
  const exec = (...args: string[]) => ctr(['exec', ...args]);
  expect((await exec(name, 'cat', '/proc/sys/kernel/hostname')).stdout).toBe('shared\n');
  expect((await exec(name, 'sh', '-c', 'echo $X; test $$ -ne 1 && kill -0 1')).stdout).toBe('y\n');
  const flags = ['-e', 'X=z', '-w', '/usr', '-u', '1000:1001'];
  const { stdout } = await exec(...flags, name, 'sh', '-c', 'echo $X; pwd; id -u; id -g');
  expect(stdout).toBe('z\n/usr\n1000\n1001\n');
  expect(await exec(name, 'sh', '-c', 'exit 9')).toMatchObject({ exitCode: 9 });
  expect(await ctr(['exec', '-i', name, 'cat'], { input: 'in' })).toMatchObject({ stdout: 'in' });
  expect(await exec(name, 'no-such')).toMatchObject({ exitCode: 127 });
  started.child.kill('SIGTERM');
  expect((await started.ended).exitCode).toBe(7);
});

test('exec has the confinement of the container', async () => {
  const started = await startContainer('--rm', '--cap-drop', 'ALL', '--memory', '256m');
  const status = async (pid: string) =>
    (await ctr(['exec', name, 'cat', `/proc/${pid}/status`])).stdout;
  const field = (text: string, key: string) => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(text)?.[1];
  const [first, own] = await Promise.all([status('1'), status('self')]);
  for (const key of ['CapEff', 'CapBnd', 'Seccomp', 'NoNewPrivs']) {
    expect(field(own, key), key).toBe(field(first, key));
    expect(field(own, key), key).toBeDefined();
  }
  const groups = await ctr([
    'exec',
    name,
    'sh',
    '-c',
    'cat /proc/self/cgroup; echo; cat /proc/1/cgroup',
  ]);
  const [one, two] = groups.stdout.trim().split('\n\n');
  expect(one).toBe(two);
  await ctr(['kill', name]);
  await started.ended;
});

test('kill sends the signal that was named', async () => {
  const started = await startContainer('--rm');
  expect(await ctr(['kill', '--signal', 'HUP', name])).toMatchObject({ exitCode: 0 });
  await started.until(/hup/);
  expect((await inspect()).status).toBe('running');
  await ctr(['kill', name]);
  await started.ended;
});

test('without --rm the record stays, with how it ended, until rm', async () => {
  const started = await startContainer();
  const { id } = await inspect();
  await ctr(['kill', '-s', 'TERM', name]);
  await started.ended;
  expect(await inspect()).toMatchObject({
    id,
    status: 'stopped',
    pid: null,
    exit: { exitCode: 7 },
  });
  expect((await ctr(['ps'])).stdout).not.toContain(name);
  expect((await ctr(['ps', '-a'])).stdout).toMatch(new RegExp(`Exited \\(7\\).*${name}$`, 'm'));
  expect(await ctr(['exec', name, 'true'])).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining('[CONTAINER_NOT_RUNNING]'),
  });
  expect(await ctr(['rm', name])).toMatchObject({ exitCode: 0, stdout: `${name}\n` });
  expect((await ctr(['inspect', name])).stderr).toContain('[CONTAINER_NOT_FOUND]');
});

test('rm refuses a running container and takes it with -f', async () => {
  const started = await startContainer();
  const { pid } = await inspect();
  expect(await ctr(['rm', name])).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining('[CONTAINER_RUNNING]'),
  });
  expect(isAlive(pid)).toBe(true);
  expect(await ctr(['rm', '-f', name])).toMatchObject({ exitCode: 0 });
  expect((await started.ended).exitCode).toBe(137);
  await eventually('its end', () => !isAlive(pid));
  expect((await ctr(['ps', '-a'])).stdout).not.toContain(name);
});

test('a name is free again once its container is gone', async () => {
  const first = await startContainer('--rm');
  expect(await ctr(['run', '--rm', '--name', name, 'host:', 'true'])).toMatchObject({
    exitCode: 125,
    stderr: expect.stringContaining('[NAME_IN_USE]'),
  });
  await ctr(['kill', name]);
  await first.ended;
  expect(await ctr(['run', '--rm', '--name', name, 'host:', 'true'])).toMatchObject({
    exitCode: 0,
  });
});

test('the SDK finds, executes in, waits for and removes a container of another process', async () => {
  const started = await startContainer();
  const container = await Container.get(name);
  expect((await Container.list()).map((info) => info.id)).toContain(container.id);
  expect((await container.exec(['sh', '-c', 'echo there'])).stdout).toBe('there\n');
  const waiting = container.wait();
  await container.kill('SIGTERM');
  expect(await waiting).toMatchObject({ exitCode: 7 });
  await started.ended;
  await container.remove();
  await expect(Container.get(name)).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
});

test('a container of the SDK is visible to ctr-ts and ends with its dispose', async () => {
  let pid: number | null = 0;
  {
    await using container = await Container.create({ image: 'host:', name });
    pid = container.pid;
    const both = await Promise.all([
      container.exec(['sh', '-c', 'echo sdk']),
      ctr(['exec', name, 'sh', '-c', 'echo cli; ps -o pid= 2>/dev/null | head -1']),
    ]);
    expect(both.map(({ stdout }) => stdout.split('\n')[0])).toEqual(['sdk', 'cli']);
    expect(await container.inspect()).toMatchObject({ status: 'running', command: [] });
  }
  expect(pid && isAlive(pid)).toBe(false);
  expect((await ctr(['ps', '-a'])).stdout).not.toContain(name);
});

test('nothing of all this is left on the machine', async () => {
  expect(await leftSince(before)).toEqual([]);
});
