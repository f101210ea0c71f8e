/** Containers that live on: real ones, in directories of this test's own. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Container, plan, probe, prune, run } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-sdk-'));
const engine = { dataRoot: join(directory, 'data'), runRoot: join(directory, 'run') };
const base = { image: 'host:', engine } as const;
const statusOf = (pid: number | null) => readFileSync(`/proc/${pid}/status`, 'utf8');
const records = () => readdirSync(join(engine.runRoot, 'containers'));

afterAll(async () => {
  for (const { id } of await Container.list({ all: true, engine })) {
    await (await Container.get(id, engine)).remove({ force: true });
  }
  rmSync(directory, { recursive: true, force: true });
});

test('a container without a command runs our init and any number of processes', async () => {
  await using container = await Container.create({ ...base, hostname: 'box', env: { A: '1' } });
  expect(container.pid).toBeGreaterThan(0);
  const shell = (script: string) => container.exec(['sh', '-c', script]);
  expect((await shell('hostname; echo $A $HOME; echo $$')).stdout).toMatch(
    /^box\n1 \/root\n\d+\n$/,
  );
  const all = await Promise.all([1, 2, 3].map((n) => shell(`echo ${n}; exit ${n}`)));
  expect(all.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
    [1, '1\n'],
    [2, '2\n'],
    [3, '3\n'],
  ]);
  expect((await container.$`printf %s ${"it's a $HOME"}`).stdout).toBe("it's a $HOME");
});

test('what an exec changes is its own', async () => {
  await using container = await Container.create({ ...base, workdir: '/usr', capDrop: ['ALL'] });
  const changed = { env: { B: '2' }, workdir: '/tmp', user: '1234:1235' };
  const script = 'pwd; id -u; id -g; echo $B; grep CapEff /proc/self/status';
  const { stdout } = await container.exec(['sh', '-c', script], changed);
  expect(stdout).toBe('/tmp\n1234\n1235\n2\nCapEff:\t0000000000000000\n');
  expect((await container.exec(['pwd'])).stdout).toBe('/usr\n');
});

test('an exec that cannot start says why, and the container lives on', async () => {
  await using container = await Container.create(base);
  await expect(container.exec(['no-such-program'])).rejects.toMatchObject({
    code: 'COMMAND_NOT_FOUND',
  });
  await expect(container.exec([])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  expect((await container.exec(['true'])).exitCode).toBe(0);
});

test('the time limit of an exec kills what it started and nothing else', async () => {
  await using container = await Container.create(base);
  const result = await container.exec(['sh', '-c', 'sleep 100 & sleep 100; true'], {
    timeoutMs: 300,
  });
  expect(result).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
  const { stdout } = await container.$`cat /proc/[0-9]*/comm`;
  expect(stdout).not.toContain('sleep');
});

test('disposing of a container leaves nothing', async () => {
  {
    await using container = await Container.create({ ...base, name: 'gone' });
    expect(records()).toContain(container.id);
  }
  expect(records()).toEqual([]);
  expect(readdirSync(join(engine.runRoot, 'names'))).toEqual([]);
});

test('a name is taken for as long as its container is there', async () => {
  await using container = await Container.create({ ...base, name: 'web' });
  await expect(run({ ...base, name: 'web', command: ['true'] })).rejects.toMatchObject({
    code: 'NAME_IN_USE',
  });
  const found = await Container.get('web', engine);
  expect(found.id).toBe(container.id);
  expect((await found.inspect()).status).toBe('running');
  expect((await Container.list({ engine })).map(({ name }) => name)).toEqual(['web']);
});

test('wait tells how it ended, also to who only found it', async () => {
  const command = ['sh', '-c', 'trap "exit 4" TERM; while :; do sleep 0.02; done'];
  const container = await Container.create({ ...base, command, remove: false });
  const found = await Container.get(container.id, engine);
  // PID 1 ignores a signal until it has a handler for it: bit 14 is SIGTERM's.
  const handled = () => /SigCgt:\t[0-9a-f]+[4-7c-f][0-9a-f]{3}$/m.test(statusOf(container.pid));
  await expect.poll(handled).toBe(true);
  const ends = Promise.all([container.wait(), found.wait()]);
  await found.kill('SIGTERM');
  const end = { exitCode: 4, signal: null, oomKilled: false };
  expect(await ends).toEqual([end, end]);
  expect((await found.inspect()).exit).toMatchObject(end);
  await expect(container.exec(['true'])).rejects.toMatchObject({ code: 'CONTAINER_NOT_RUNNING' });
  await container.remove();
  expect(readdirSync(join(engine.dataRoot, 'containers'))).toEqual([]);
});

test('waiting can be given up, and the container lives on', async () => {
  await using container = await Container.create(base);
  const found = await Container.get(container.id, engine);
  const signal = AbortSignal.timeout(80);
  await expect(container.wait({ signal })).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(found.wait({ signal })).rejects.toMatchObject({ code: 'ABORTED' });
  expect(container.pid).not.toBeNull();
});

test('a running container is not removed without force', async () => {
  await using container = await Container.create(base);
  await expect(container.remove()).rejects.toMatchObject({ code: 'CONTAINER_RUNNING' });
  await container.remove({ force: true });
  await container.remove();
  await expect(Container.get(container.id, engine)).rejects.toMatchObject({
    code: 'CONTAINER_NOT_FOUND',
  });
});

test('creating can be given up before and on the way, and leaves nothing', async () => {
  await expect(
    Container.create({ ...base, signal: AbortSignal.abort('no') }),
  ).rejects.toMatchObject({ code: 'ABORTED', cause: 'no' });
  await expect(Container.create({ ...base, timeoutMs: 0.001 })).rejects.toMatchObject({
    code: 'TIMED_OUT',
  });
  await expect.poll(records).toEqual([]);
});

test('explain shows the same container from both sides', async () => {
  await using container = await Container.create({ ...base, hostname: 'seen', capDrop: ['KILL'] });
  const { plan: planned, outside, inside } = await container.explain();
  expect(planned.hostname).toBe('seen');
  expect(inside.hostname).toBe('seen');
  expect(outside.pid).toBe(container.pid);
  expect(inside.interfaces).toEqual(['lo']);
  expect(inside.capabilities.effective).not.toContain('KILL');
  expect(outside.seccomp).toBe('filter');
  for (const { kind, inode } of outside.namespaces) {
    expect(inside.namespaces.find((other) => other.kind === kind)?.inode, kind).toBe(inode);
  }
  const own = inside.namespaces.filter((namespace) => namespace.own).map(({ kind }) => kind);
  expect(own).toEqual(expect.arrayContaining(['pid', 'mnt', 'uts', 'ipc', 'net']));
  expect(own).not.toContain('time');
  expect(planned.process.seccomp?.rules.every(({ reason }) => reason !== '')).toBe(true);
});

test('a plan makes nothing', async () => {
  const planned = await plan({ ...base, command: ['id'], cpus: 0.5 });
  expect(planned.process.program).toEqual({ kind: 'command', args: ['id'] });
  expect(planned.cgroup?.resources.cpuQuotaUs).toBe(50_000);
  expect(records()).toEqual([]);
});

test('probing agrees with what runs, and says what to do about the rest', async () => {
  const report = await probe();
  expect(report).toMatchObject({ ok: true, error: null });
  for (const { ok, remedy, probe: name } of report.rows) expect(ok || remedy, name).toBeTruthy();
});

test('prune removes what has ended and spares what runs', async () => {
  await using running = await Container.create(base);
  await run({ ...base, command: ['true'], remove: false });
  // A layer without a record: its owner was killed between the two.
  mkdirSync(join(engine.dataRoot, 'containers', 'f'.repeat(64), 'upper'), { recursive: true });
  const report = await prune(engine);
  expect(report.containers).toHaveLength(1);
  expect(report.layers).toHaveLength(2);
  expect(readdirSync(join(engine.dataRoot, 'containers'))).toEqual([]);
  expect((await running.exec(['true'])).exitCode).toBe(0);
});
