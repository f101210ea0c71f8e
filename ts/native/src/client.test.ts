import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import { client } from './client.ts';
import { command, eventually, makePlace, pipes, request } from './container.test.fixture.ts';
import { native } from './load.ts';

const build = fileURLToPath(new URL('../../../build/linux-x64-gnu', import.meta.url));
const missing = ['ctr.node', 'ctr-runtime'].filter((name) => !existsSync(join(build, name)));

describe.skipIf(missing.length > 0)(`the client with a real launcher ${missing.join(' ')}`, () => {
  const place = makePlace();
  const containers = join(place.runRoot, 'containers');
  const open = (): ReturnType<typeof client> => client({ runRoot: place.runRoot });
  const nextId = (): string => `test${randomBytes(8).toString('hex')}`;

  afterAll(() => place[Symbol.dispose]());

  test('ready starts one launcher, and starts no second', async () => {
    await Promise.all([open().ready(), open().ready()]);
    const pid = open().launcherPid();
    expect(pid).toBeGreaterThan(0);
    await open().ready();
    expect(open().launcherPid()).toBe(pid);
  });

  test('a container starts, is recorded while it runs, and leaves nothing', async () => {
    const { handle, stdout } = pipes(open());
    const script = 'echo $$ $(cat /proc/sys/kernel/hostname); exec sleep 60';
    const run = open().launch(request(place, nextId(), ['sh', '-c', script], 'named'), handle);
    const { pid } = await run.started;
    const [entry] = open().listStates(place.runRoot);
    expect(entry).toMatchObject({ name: 'named', status: 'running', pid, record: { test: true } });
    const program = (): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    expect(await eventually(() => program() === 'sleep')).toBe(true);
    run.signal(9);
    expect(await run.exited).toEqual({ exitCode: null, signal: 9, oomKilled: false });
    expect(await stdout).toBe('1 inside\n');
    expect(await eventually(() => readdirSync(containers).length === 0)).toBe(true);
    expect(readdirSync(join(place.runRoot, 'names'))).toEqual([]);
  });

  test('the exit code is the program’s', async () => {
    const run = open().launch(
      request(place, nextId(), ['sh', '-c', 'exit 3']),
      pipes(open()).handle,
    );
    expect(await run.exited).toMatchObject({ exitCode: 3, signal: null });
  });

  test('a program that is not there fails both promises with its code and leaves nothing', async () => {
    const run = open().launch(request(place, nextId(), ['nonesuch']), pipes(open()).handle);
    await expect(run.started).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    await expect(run.exited).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    expect(await eventually(() => readdirSync(containers).length === 0)).toBe(true);
  });

  test('a request that cannot be planned fails like the plan does, before any launch', async () => {
    const bad = { ...request(place, nextId(), ['true']), container: { id: 'other' } };
    const run = open().launch(bad, pipes(open()).handle);
    const failure = await run.started.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'INVALID_REQUEST' });
    expect(() => open().plan(bad)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });

  test('the plan names what the launch does', () => {
    const plan = open().plan(request(place, 'planned', ['true']));
    expect(plan).toMatchObject({ id: 'planned', hostname: 'inside', cgroup: null });
  });

  test('a name in use is refused while its container runs', async () => {
    const first = open().launch(
      request(place, nextId(), ['sleep', '60'], 'web'),
      pipes(open()).handle,
    );
    await first.started;
    const second = open().launch(request(place, nextId(), ['true'], 'web'), pipes(open()).handle);
    await expect(second.started).rejects.toMatchObject({ code: 'NAME_IN_USE' });
    first.signal(9);
    await first.exited;
  });

  test('a signal before the start still ends the container', async () => {
    const run = open().launch(request(place, nextId(), ['sleep', '60']), pipes(open()).handle);
    run.signal(9, true);
    const end = await run.exited.catch((error: unknown) => error);
    // Killed as a program, or before it became one.
    expect(end).toSatisfy(
      (value: { signal?: number; code?: string }) => value.signal === 9 || !!value.code,
    );
    expect(await eventually(() => readdirSync(containers).length === 0)).toBe(true);
  });

  test('exec enters by id and by name, and dies with the container', async () => {
    const id = nextId();
    const run = open().launch(request(place, id, ['sleep', '60'], 'host'), pipes(open()).handle);
    await run.started;
    const { handle, stdout } = pipes(open());
    const exec = { process: command(['sh', '-c', 'cat /proc/1/comm; exit 4']) };
    const inside = open().exec({ stateRoot: place.runRoot, id, exec }, handle);
    expect(await inside.exited).toMatchObject({ exitCode: 4 });
    expect(await stdout).toBe('sleep\n');
    const stay = { process: command(['sleep', '60']) };
    const second = open().exec(
      { stateRoot: place.runRoot, id: 'host', exec: stay },
      pipes(open()).handle,
    );
    await second.started;
    run.signal(9);
    expect(await second.exited).toMatchObject({ signal: 9 });
    const late = open().exec({ stateRoot: place.runRoot, id, exec }, pipes(open()).handle);
    await expect(late.started).rejects.toMatchObject({
      code: expect.stringContaining('CONTAINER_NOT'),
    });
  });

  test('exec reaches a container of another process', async () => {
    const run = open().launch(
      request(place, nextId(), ['sleep', '60'], 'shared'),
      pipes(open()).handle,
    );
    await run.started;
    const exec = { process: command(['sh', '-c', 'cat /proc/1/comm; exit 5']) };
    const other = script(`
      const { handle } = c.openStdio({ stdin: 'null', stdout: 'inherit', stderr: 'inherit' });
      const run = c.exec({ stateRoot: ${JSON.stringify(place.runRoot)}, id: 'shared', exec: ${JSON.stringify(exec)} }, handle);
      process.exitCode = (await run.exited).exitCode;
    `);
    expect(await other.ended).toEqual({ code: 5, signal: null, output: 'sleep\n' });
    run.signal(9);
    await run.exited;
  });

  test('a container of another process can be signalled by its record', async () => {
    const run = open().launch(
      request(place, nextId(), ['sleep', '60'], 'far'),
      pipes(open()).handle,
    );
    await run.started;
    const other = script(`c.signalState(${JSON.stringify(place.runRoot)}, 'far', 9)`);
    expect(await run.exited).toMatchObject({ signal: 9 });
    expect(await other.ended).toMatchObject({ code: 0 });
  });

  test('a launcher that dies ends what runs, and the next call starts another', async () => {
    const id = nextId();
    const run = open().launch(request(place, id, ['sleep', '60']), pipes(open()).handle);
    const { pid } = await run.started;
    open().killLauncherForTest();
    expect(await run.exited).toEqual({
      exitCode: null,
      signal: null,
      oomKilled: false,
      reason: 'runtime-lost',
    });
    expect(await eventually(() => !existsSync(`/proc/${pid}`), 1000)).toBe(true);
    const next = open().launch(request(place, nextId(), ['true']), pipes(open()).handle);
    expect(await next.exited).toMatchObject({ exitCode: 0 });
    expect(await eventually(() => !existsSync(join(containers, id)))).toBe(true);
    expect(readdirSync(join(place.runRoot, 'owners'))).toHaveLength(1);
  });

  test('a worker thread’s containers die with it, and others’ live on', async () => {
    const mine = open().launch(request(place, nextId(), ['sleep', '60']), pipes(open()).handle);
    await mine.started;
    const theirs = request(place, nextId(), ['sleep', '60'], 'worker');
    const code = `import(${JSON.stringify(entry)}).then(async ({ client }) => {
      const c = client({ runRoot: ${JSON.stringify(place.runRoot)} });
      const { handle } = c.openStdio({ stdin: 'null', stdout: 'null', stderr: 'null' });
      const { pid } = await c.launch(${JSON.stringify(theirs)}, handle).started;
      require('node:worker_threads').parentPort.postMessage(pid);
    })`;
    const worker = new Worker(code, { eval: true, execArgv: [] });
    const pid = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await worker.terminate();
    expect(await eventually(() => !existsSync(`/proc/${pid}`))).toBe(true);
    mine.signal(9);
    expect(await mine.exited).toMatchObject({ signal: 9 });
  });

  test('a Node process that is killed takes its containers along, and prune clears the rest', async () => {
    const theirs = request(place, nextId(), ['sleep', '60'], 'orphan');
    const other = script(`
      const { handle } = c.openStdio({ stdin: 'null', stdout: 'null', stderr: 'null' });
      const { pid } = await c.launch(${JSON.stringify(theirs)}, handle).started;
      console.log(pid);
    `);
    const pid = Number(await other.line);
    other.child.kill('SIGKILL');
    await other.ended;
    expect(await eventually(() => !existsSync(`/proc/${pid}`), 1000)).toBe(true);
    await eventually(() =>
      open()
        .listStates(place.runRoot)
        .every(({ status }) => status !== 'running'),
    );
    await open().prune(place.runRoot);
    expect(readdirSync(containers)).toEqual([]);
    expect(readdirSync(join(place.runRoot, 'names'))).toEqual([]);
  });

  test('a process exits by itself when nothing is pending, and waits while something is', async () => {
    const asks = request(place, nextId(), ['sleep', '0.2']);
    const waits = script(`
      await c.ready();
      const { handle } = c.openStdio({ stdin: 'null', stdout: 'null', stderr: 'null' });
      c.launch(${JSON.stringify(asks)}, handle).exited.then(({ exitCode }) => console.log('exit', exitCode));
    `);
    expect(await waits.ended).toMatchObject({ code: 0, output: 'exit 0\n' });
    const idle = request(place, nextId(), ['sleep', '60']);
    const leaves = script(`
      const { handle } = c.openStdio({ stdin: 'null', stdout: 'null', stderr: 'null' });
      const run = c.launch(${JSON.stringify(idle)}, handle);
      await run.started;
      run.unref();
    `);
    expect(await leaves.ended).toMatchObject({ code: 0 });
  });

  test.each([
    ['/usr/bin/false', undefined],
    ['/nonesuch/ctr-runtime', 2],
  ])('a runtime at %s that cannot start fails what waits, with what to do', async (path, errno) => {
    const body = `
      import { native } from ${JSON.stringify(new URL('./load.ts', import.meta.url).href)};
      import { Client } from ${JSON.stringify(new URL('./client.ts', import.meta.url).href)};
      const ownerDirectory = process.env.RUN_ROOT + '/owners';
      const { addon } = native();
      addon.configure({ runtimePath: ${JSON.stringify(path)}, ownerDirectory });
      const asked = [1, 2].map(() => new Client(addon).ready().catch((error) => error));
      console.log(JSON.stringify(await Promise.all(asked)));
    `;
    const { output } = await module(body).ended;
    const failure = { code: 'RUNTIME_START', ...(errno === undefined ? {} : { errno }) };
    expect(JSON.parse(output)).toMatchObject([failure, failure]);
    expect(output).toContain('hint');
  });

  test('a process cannot have two runtimes', async () => {
    const { addon, runtimePath } = native();
    const other = { runtimePath: `${runtimePath}2`, ownerDirectory: '/nonesuch' };
    expect(() => addon.configure(other)).toThrow('ALREADY_CONFIGURED');
  });

  test('a role runs on streams of choice and can be signalled', async () => {
    const { handle, stdout } = pipes(open());
    const role = open().runRole(['--version'], handle);
    expect(await role.exited).toMatchObject({ exitCode: 0 });
    expect(await stdout).toContain('ctr-runtime');
  });

  test('a tree is removed by the launcher', async () => {
    const tree = join(place.rootfs, '..', 'tree');
    mkdirSync(join(tree, 'a/b'), { recursive: true });
    writeFileSync(join(tree, 'a/b/file'), 'x');
    await open().removeTree(tree);
    expect(existsSync(tree)).toBe(false);
    await expect(open().removeTree(join(tree, 'a'))).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });
});

const entry = new URL('./index.ts', import.meta.url).href;

interface Script {
  child: ReturnType<typeof spawn>;
  /** The first line it prints. */
  line: Promise<string>;
  ended: Promise<{ code: number | null; signal: string | null; output: string }>;
}

/** Another Node process with a client `c` that listens in a run root of no interest. */
function script(body: string): Script {
  return module(`import { client } from ${JSON.stringify(entry)};
    const c = client({ runRoot: process.env.RUN_ROOT });${body}`);
}

/** Another Node process that runs a module. */
function module(body: string): Script {
  const other = makePlace();
  const child = spawn(process.execPath, ['--input-type=module', '-e', body], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, RUN_ROOT: other.runRoot },
  });
  let output = '';
  const line = new Promise<string>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.includes('\n')) resolve(output.slice(0, output.indexOf('\n')));
    });
  });
  const ended = new Promise<Awaited<Script['ended']>>((resolve) => {
    child.once('close', (code, signal) => {
      other[Symbol.dispose]();
      resolve({ code, signal, output });
    });
  });
  return { child, line, ended };
}
