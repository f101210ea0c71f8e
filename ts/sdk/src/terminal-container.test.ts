/** Terminals of real containers, and their life beyond the process that made them. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { Container, type Process, plan, run } from './index.ts';

const SDK = fileURLToPath(new URL('./index.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-terminal-'));
const engine = { dataRoot: join(directory, 'data'), runRoot: join(directory, 'run') };
const base = { image: 'host:', engine } as const;
const terminal = { columns: 100, rows: 30 } as const;

afterAll(async () => {
  for (const { id } of await Container.list({ all: true, engine })) {
    await (await Container.get(id, engine)).remove({ force: true });
  }
  rmSync(directory, { recursive: true, force: true });
});

/** What a process has shown so far. */
function watch(process: Process): { shown(): string } {
  let text = '';
  process.stdout?.on('data', (chunk) => {
    text += String(chunk);
  });
  return { shown: () => text };
}

test('the plan says that there is a terminal', async () => {
  const planned = await plan({ ...base, command: ['sh'], terminal: true });
  expect(planned.process.terminal).toBe(true);
  expect(planned.process.env).toContain('TERM=xterm');
});

test('a terminal is what all three streams are, and the result has what it showed', async () => {
  const script =
    'tty; test -t 0 && test -t 1 && test -t 2 && echo all; stty size; echo $TERM; exit 3';
  const result = await run({ ...base, command: ['sh', '-c', script], terminal });
  expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\r\nall\r\n30 100\r\nxterm\r\n$/);
  expect(result).toMatchObject({ exitCode: 3, stderr: '', truncated: false });
});

test('given input is typed, and its end is the end of file', async () => {
  const result = await run({ ...base, command: ['cat'], terminal: true, stdin: 'typed\n' });
  // Once as echo, once from cat.
  expect(result.stdout).toMatch(/typed\r\n[\s\S]*typed\r\n/);
  expect(result.exitCode).toBe(0);
  expect((await run({ ...base, command: ['cat'], terminal: true })).exitCode).toBe(0);
});

test('all of much output arrives', async () => {
  const script = 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "line $i of the output"; done';
  const result = await run({ ...base, command: ['sh', '-c', script], terminal: true });
  const lines = result.stdout.trimEnd().split('\r\n');
  expect(lines).toHaveLength(20_000);
  expect(lines.at(-1)).toBe('line 20000 of the output');
});

test('Ctrl-C interrupts what runs in the foreground, resizing is heard of', async () => {
  await using container = await Container.create(base);
  const script = 'trap "stty size" WINCH; echo up; while :; do sleep 0.1; done';
  const started = container.exec(['bash', '-c', script], { terminal });
  const { stdin } = started;
  const { shown } = watch(started);
  await expect.poll(shown).toContain('up\r\n');
  await started.resize({ columns: 90, rows: 20 });
  await expect.poll(shown).toContain('20 90\r\n');
  stdin?.write('\x03');
  const result = await started;
  expect(result).toMatchObject({ exitCode: null, signal: 'SIGINT' });
  expect(shown()).toContain('^C');
});

test('an exec has a terminal of its own or none, whatever the container has', async () => {
  const started = run({ ...base, name: 'shell', command: ['sh'], terminal: true });
  started.stdin?.write('tty\n');
  await started.started;
  const container = await Container.get('shell', engine);
  expect((await container.inspect()).terminal).toBe(true);
  const plain = await container.exec(['sh', '-c', 'tty; echo =$TERM=']);
  expect(plain).toMatchObject({ stdout: 'not a tty\n==\n', stderr: '' });
  const own = await container.exec(['sh', '-c', 'tty; echo =$TERM='], { terminal: true });
  expect(own.stdout).toMatch(/^\/dev\/pts\/\d+\r\n=xterm=\r\n$/);
  await expect(container.exec(['cat'], { terminal: true, stdio: 'pipe' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await started.kill();
  await started;
});

test('a process without a terminal has no size, and one of exec is not left', async () => {
  await using container = await Container.create(base);
  const plain = container.exec(['cat'], { stdio: { stdin: 'pipe' } });
  await expect(plain.resize(terminal)).rejects.toMatchObject({ code: 'NO_TERMINAL' });
  await expect(plain.detach()).rejects.toMatchObject({ code: 'NO_TERMINAL' });
  const own = container.exec(['sh'], { terminal: true });
  expect(own.stdin).not.toBeNull();
  await expect(own.detach()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  await expect(own.resize({ columns: 0, rows: 1 })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await expect(container.attach()).rejects.toMatchObject({ code: 'NO_TERMINAL' });
});

test('the time limit ends a terminal too', async () => {
  const command = ['sh', '-c', 'trap "" HUP; sleep 1000 & sleep 1000'];
  const result = await run({ ...base, command, terminal: true, timeoutMs: 400 });
  expect(result).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGKILL' });
});

test('a container that another process left is attached to, left again and ended here', async () => {
  const body = [
    `import { run } from ${JSON.stringify(SDK)};`,
    `const engine = ${JSON.stringify(engine)};`,
    "const own = run({ image: 'host:', engine, name: 'left', command: ['sh'], terminal: true, remove: false });",
    "own.stdin.write('kept=yes\\n');",
    'await own.started;',
    'await new Promise((resolve) => setTimeout(resolve, 300));',
    'await own.detach();',
    'console.log(JSON.stringify(await own));',
  ].join('\n');
  const { stdout, code } = await node(body);
  expect(JSON.parse(stdout)).toMatchObject({ detached: true, exitCode: null, signal: null });
  expect(code).toBe(0);

  const container = await Container.get('left', engine);
  expect(await container.inspect()).toMatchObject({ status: 'running', terminal: true });
  const first = container.attach({ terminal });
  const { shown } = watch(first);
  first.stdin?.write('echo $kept; stty size\n');
  await expect.poll(shown).toContain('yes\r\n30 100\r\n');
  await expect(container.attach()).rejects.toMatchObject({ code: 'TERMINAL_BUSY' });
  await first.detach();
  expect(await first).toMatchObject({ detached: true });

  {
    // Giving up, and leaving a scope, let go of it.
    const controller = new AbortController();
    const second = container.attach({ signal: controller.signal });
    await second.started;
    controller.abort();
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' });
    const { started } = await attached(container);
    await using third = started;
    void third;
  }
  expect((await container.inspect()).status).toBe('running');

  const { started: last } = await attached(container);
  last.stdin?.write('exit 5\n');
  expect(await last).toMatchObject({ exitCode: 5 });
  expect((await container.inspect()).exit).toMatchObject({ exitCode: 5 });
  await expect(container.attach()).rejects.toMatchObject({ code: 'CONTAINER_NOT_RUNNING' });
  await container.remove();
});

test('stop asks, then kills', async () => {
  const command = [
    'sh',
    '-c',
    'trap "exit 4" TERM; trap "" INT; echo up; while :; do sleep 0.02; done',
  ];
  const started = run({ ...base, name: 'stopped', command });
  const { shown } = watch(started);
  await expect.poll(shown).toContain('up');
  const container = await Container.get('stopped', engine);
  await container.stop();
  expect(await started).toMatchObject({ exitCode: 4 });

  await using stubborn = await Container.create({ ...base, command, remove: false });
  await stubborn.stop({ signal: 'INT', timeoutMs: 200 });
  expect((await stubborn.inspect()).exit).toMatchObject({ signal: 'SIGKILL' });
  await stubborn.stop();
});

/** The client that was let go may still be on its way out. */
async function attached(container: Container): Promise<{ started: Process }> {
  for (let patience = 100; ; patience -= 1) {
    const started = container.attach();
    void started.stdin;
    const busy = await started.started.then(
      () => false,
      (error: { code: string }) => error.code === 'TERMINAL_BUSY' && patience > 0,
    );
    // Not the process itself: awaiting that waits for its end.
    if (!busy) return { started };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs an ES module in a Node of its own. */
async function node(body: string): Promise<{ stdout: string; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', body], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stdout = Buffer.concat(await child.stdout.toArray()).toString();
  return { stdout, code: await code };
}
