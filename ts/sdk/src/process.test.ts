import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { CtrError } from './errors.ts';
import type { Exit, Launcher, Running } from './launch.ts';
import type { ProcessOptions } from './options.ts';
import { Process } from './process.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-process-'));
let pipes = 0;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Starts an ordinary process of the host over real pipes, in a process group of its own. */
function host(script: string, delayMs = 0): Launcher & { pid: number } {
  const ends: number[] = [];
  const launcher = {
    pid: 0,
    openStdio: (modes) => {
      const ours = (['stdin', 'stdout', 'stderr'] as const).map((name) => {
        if (modes[name] !== 'pipe') {
          ends.push(openSync('/dev/null', constants.O_RDWR));
          return -1;
        }
        pipes += 1;
        const path = join(directory, `pipe-${pipes}`);
        execFileSync('mkfifo', [path]);
        // A FIFO opened for both never blocks; each end is then opened for its one direction.
        const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
        const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
        const write = openSync(path, constants.O_WRONLY);
        closeSync(both);
        rmSync(path);
        ends.push(name === 'stdin' ? read : write);
        return name === 'stdin' ? write : read;
      });
      const [stdin = -1, stdout = -1, stderr = -1] = ours;
      return { handle: 1, stdin, stdout, stderr, terminal: -1 };
    },
    launch: async (_, giveUp): Promise<Running> => {
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      if (giveUp.aborted) {
        for (const fd of ends) closeSync(fd);
        throw giveUp.reason;
      }
      const child = spawn('bash', ['-c', script], {
        stdio: [ends[0] ?? 0, ends[1] ?? 1, ends[2] ?? 2],
        detached: true,
      });
      for (const fd of ends) closeSync(fd);
      const pid = child.pid ?? 0;
      launcher.pid = pid;
      const exited = new Promise<Exit>((resolve) => {
        child.once('exit', (exitCode, signal) => resolve({ exitCode, signal, oomKilled: false }));
      });
      const signal = (number: number, tree: boolean): void => {
        process.kill(tree ? -pid : pid, number);
      };
      const running = { pid, containerId: 'host', enforcement: [], exited, signal };
      return { ...running, resize: () => {}, unref: () => {} };
    },
  } as Launcher & { pid: number };
  return launcher;
}

const start = (script: string, options: ProcessOptions = {}) =>
  new Process<string>(options, host(script));

function failing(error: Error): Launcher {
  const { openStdio } = host('');
  return { openStdio, launch: () => Promise.reject(error) };
}

test('the result has both streams, the exit code and a duration', async () => {
  const result = await start('echo out; echo err >&2; exit 3');
  expect(result).toMatchObject({
    exitCode: 3,
    signal: null,
    stdout: 'out\n',
    stderr: 'err\n',
    truncated: false,
    timedOut: false,
    oomKilled: false,
  });
  expect(result.durationMs).toBeGreaterThan(0);
});

test('bytes stay bytes', async () => {
  const started = new Process<Uint8Array>({ encoding: 'bytes' }, host("printf '\\xff\\x00\\x01'"));
  expect([...(await started).stdout]).toEqual([255, 0, 1]);
});

test('output beyond the limit is read and dropped, and the process ends', async () => {
  const result = await start('head -c 3000000 /dev/zero | tr "\\0" x; echo done >&2', {
    maxOutputBytes: 1000,
  });
  expect(result.stdout).toBe('x'.repeat(1000));
  expect(result).toMatchObject({ truncated: true, stderr: 'done\n', exitCode: 0 });
});

test('output of exactly the limit is not truncated, and a cut character is left out', async () => {
  expect(await start('printf abcd', { maxOutputBytes: 4 })).toMatchObject({
    stdout: 'abcd',
    truncated: false,
  });
  expect(await start('printf "abé"', { maxOutputBytes: 3 })).toMatchObject({
    stdout: 'ab',
    truncated: true,
  });
});

test('given input is written and closed; without any, a reader sees its end', async () => {
  expect((await start('cat', { stdin: 'hello' })).stdout).toBe('hello');
  expect((await start('cat; echo end')).stdout).toBe('end\n');
});

test('an explicit stdin pipe stays open until the caller ends it', async () => {
  const started = start('cat', { stdio: { stdin: 'pipe' } });
  await started.started;
  started.stdin?.end('late');
  expect((await started).stdout).toBe('late');
});

test('a null stream is no stream', async () => {
  const started = start('cat; echo x; echo y >&2', { stdio: { stdin: 'null', stdout: 'null' } });
  expect(started.stdin).toBeNull();
  expect(started.stdout).toBeNull();
  expect(await started).toMatchObject({ stdout: '', stderr: 'y\n' });
});

test('a stream that is taken is the caller’s alone', async () => {
  const started = start('echo out; echo err >&2');
  let text = '';
  started.stdout?.on('data', (chunk) => {
    text += String(chunk);
  });
  const result = await started;
  expect(result).toMatchObject({ stdout: '', stderr: 'err\n' });
  expect(text).toBe('out\n');
});

test('a stream that is taken late still has all that came before', async () => {
  const started = start('echo first; sleep 0.2; echo second');
  await started.started;
  await new Promise((resolve) => setTimeout(resolve, 100));
  const chunks = await started.stdout?.toArray();
  expect(Buffer.concat(chunks ?? []).toString()).toBe('first\nsecond\n');
});

test('iterating yields the output as it comes and then the exit', async () => {
  const events = [];
  for await (const event of start('echo a; sleep 0.1; echo b >&2; exit 2')) events.push(event);
  expect(events).toEqual([
    { type: 'stdout', data: 'a\n' },
    { type: 'stderr', data: 'b\n' },
    { type: 'exit', exitCode: 2, signal: null, oomKilled: false, timedOut: false },
  ]);
});

test('failure to start rejects the result and `started`, and is thrown by the iterator', async () => {
  const error = new CtrError('COMMAND_NOT_FOUND', 'no such program');
  await expect(new Process({}, failing(error))).rejects.toBe(error);
  await expect(new Process({}, failing(error)).started).rejects.toBe(error);
  const iterate = async () => {
    for await (const _ of new Process({}, failing(error))) expect.unreachable();
  };
  await expect(iterate()).rejects.toBe(error);
});

test('nobody hears of a failure nobody asked about', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  new Process({}, failing(new CtrError('INTERNAL', 'lost')));
  for await (const _ of start('true')) void _;
  await new Promise((resolve) => setTimeout(resolve, 50));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('the time limit kills everything that was started', async () => {
  const before = performance.now();
  const result = await start('sleep 60 & sleep 60 & wait', { timeoutMs: 200 });
  expect(result).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGKILL' });
  expect(performance.now() - before).toBeLessThan(5_000);
});

test('a time limit that passes before the start rejects', async () => {
  const started = new Process({ timeoutMs: 20 }, host('true', 100));
  await expect(started).rejects.toMatchObject({ code: 'TIMED_OUT' });
});

test('an abort kills and then rejects with its reason as cause', async () => {
  const launcher = host('sleep 60');
  const controller = new AbortController();
  const started = new Process({ signal: controller.signal }, launcher);
  await started.started;
  controller.abort('enough');
  await expect(started).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' });
  expect(() => process.kill(launcher.pid, 0)).toThrow();
});

test('an abort that came first starts nothing', async () => {
  const launcher = host('true');
  const started = new Process({ signal: AbortSignal.abort() }, launcher);
  await expect(started).rejects.toMatchObject({ code: 'ABORTED' });
  expect(launcher.pid).toBe(0);
});

test('orThrow passes success on and throws the result of a failure', async () => {
  expect((await start('echo fine').orThrow()).stdout).toBe('fine\n');
  await expect(start('echo bad >&2; exit 7').orThrow()).rejects.toMatchObject({
    code: 'NONZERO_EXIT',
    message: 'the process exited with 7',
    hint: 'bad',
    cause: { exitCode: 7 },
  });
});

test('kill sends the signal by name or number', async () => {
  const byName = start("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done");
  for await (const event of byName) {
    if (event.type === 'stdout') await byName.kill('term');
    if (event.type === 'exit') expect(event.exitCode).toBe(9);
  }
  const byNumber = start('sleep 60');
  await byNumber.kill(15);
  expect((await byNumber).signal).toBe('SIGTERM');
});

test('disposing of a process kills it and waits', async () => {
  const launcher = host('sleep 60');
  const started = new Process({}, launcher);
  await started.started;
  await started[Symbol.asyncDispose]();
  expect(() => process.kill(launcher.pid, 0)).toThrow();
});

test('a runtime that is lost rejects the result', async () => {
  const launcher = host('sleep 60');
  const { launch } = launcher;
  launcher.launch = async (stdio, giveUp) => {
    const running = await launch(stdio, giveUp);
    running.signal(9, true);
    const exit: Exit = { exitCode: null, signal: null, oomKilled: false, reason: 'runtime-lost' };
    return { ...running, exited: running.exited.then(() => exit) };
  };
  await expect(new Process({}, launcher)).rejects.toMatchObject({ code: 'RUNTIME_LOST' });
});
