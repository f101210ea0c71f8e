/** `run()` of the SDK on `host:`: results, streams, iteration, and giving up. */
import { Container, run } from '@ctr-ts/sdk';
import { afterAll, expect, test } from 'vitest';

import { eventually, isAlive } from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

const host = { image: 'host:' } as const;
const shell = (script: string) => ({ ...host, command: ['sh', '-c', script] });

// The launcher lives as long as this process and is no leak.
const before: Promise<Machine> = run(shell('true')).then(() => snapshot());
afterAll(async () => {
  expect(await leftSince(await before)).toEqual([]);
});

test('awaiting gives the whole result', async () => {
  const result = await run(shell('echo out; echo err >&2; exit 7'));
  expect(result).toMatchObject({
    exitCode: 7,
    signal: null,
    stdout: 'out\n',
    stderr: 'err\n',
    truncated: false,
    oomKilled: false,
    timedOut: false,
  });
  expect(result.durationMs).toBeGreaterThan(0);
});

test('a signal is named', async () => {
  const running = run(shell('echo up; sleep 100'));
  await running.started;
  await running.kill();
  expect(await running).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
});

test('orThrow rejects with what the process wrote to stderr', async () => {
  await expect(run(shell('echo why >&2; exit 9')).orThrow()).rejects.toMatchObject({
    code: 'NONZERO_EXIT',
    message: expect.stringContaining('9'),
    hint: 'why',
  });
  expect((await run(shell('echo fine')).orThrow()).stdout).toBe('fine\n');
});

test('started tells a pid of this machine, the container and what is enforced', async () => {
  const running = run(shell('sleep 100'));
  const { pid, containerId, enforcement } = await running.started;
  expect(isAlive(pid)).toBe(true);
  expect(containerId).toMatch(/^[0-9a-f]{64}$/);
  expect(enforcement.filter(({ enforced, reason }) => !enforced && !reason)).toEqual([]);
  const enforced = enforcement.filter((row) => row.enforced).map((row) => row.feature);
  expect(enforced).toEqual(expect.arrayContaining(['namespace pid', 'seccomp', 'capabilities']));
  await running.kill();
  await running;
  expect(isAlive(pid)).toBe(false);
});

test('text and bytes can be written to stdin', async () => {
  expect((await run({ ...host, command: ['cat'], stdin: 'grüße\n' })).stdout).toBe('grüße\n');
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 256);
  const result = await run({ ...host, command: ['cat'], stdin: bytes, encoding: 'bytes' });
  expect(Buffer.compare(result.stdout, bytes)).toBe(0);
});

test('streams are real: written to while being read', async () => {
  const running = run({ ...host, command: ['cat'], stdio: { stdin: 'pipe' } });
  const { stdin, stdout } = running;
  stdin?.write('first\n');
  const lines: string[] = [];
  for await (const chunk of stdout ?? []) {
    lines.push(String(chunk));
    if (lines.length === 1) stdin?.end('second\n');
  }
  expect(lines).toEqual(['first\n', 'second\n']);
  expect(await running).toMatchObject({ exitCode: 0, stdout: '' });
});

test('iterating yields output as it comes, then the exit', async () => {
  const events: string[] = [];
  for await (const event of run(shell('echo one; sleep 0.2; echo two >&2; exit 4'))) {
    events.push(event.type === 'exit' ? `exit ${event.exitCode}` : `${event.type} ${event.data}`);
  }
  expect(events).toEqual(['stdout one\n', 'stderr two\n', 'exit 4']);
});

test('who only iterates gets the failure from the iterator', async () => {
  const iterate = async () => {
    for await (const _ of run({ ...host, command: ['no-such-program'] })) {
      // Nothing is expected to come.
    }
  };
  await expect(iterate()).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
});

test('output beyond the limit is dropped and said so, and the process still ends', async () => {
  const options = { ...shell('seq 1 100000; echo short >&2'), maxOutputBytes: 1000 };
  const result = await run(options);
  expect(result).toMatchObject({ exitCode: 0, truncated: true, stderr: 'short\n' });
  expect(Buffer.byteLength(result.stdout)).toBe(1000);
});

test('timeoutMs kills everything that was started', async () => {
  const running = run({ ...shell('setsid sleep 200 & setsid sleep 200 & wait'), timeoutMs: 700 });
  const { pid } = await running.started;
  const family = await eventually('the container to be busy', () => {
    const found = [...snapshot()].filter((line) => line.endsWith('/sleep sleep 200'));
    return found.length === 2 && found.map((line) => Number(line.split(' ')[1]));
  });
  expect(await running).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGKILL' });
  await eventually('their end', () => [pid, ...family].every((member) => !isAlive(member)), 2000);
});

test('an abort signal kills what runs and rejects with ABORTED', async () => {
  const controller = new AbortController();
  const running = run({ ...shell('sleep 200'), signal: controller.signal });
  const { pid } = await running.started;
  controller.abort(new Error('changed my mind'));
  await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
  await eventually('its end', () => !isAlive(pid), 2000);
});

test('a signal that has fired starts nothing', async () => {
  const running = run({ ...shell('sleep 200'), signal: AbortSignal.abort() });
  await expect(running.started).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
});

test('disposing of a process kills it', async () => {
  let pid = 0;
  {
    await using running = run(shell('sleep 200'));
    pid = (await running.started).pid;
  }
  expect(isAlive(pid)).toBe(false);
});

test('thirty at once all give their own result', async () => {
  const numbers = Array.from({ length: 30 }, (_, index) => index);
  const results = await Promise.all(
    numbers.map((number) => run(shell(`echo ${number}; exit ${number}`))),
  );
  expect(results.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual(
    numbers.map((number) => [number, `${number}\n`]),
  );
});

test('a program that ends before its start was told is not waited for for ever', async () => {
  await using container = await Container.create(host);
  for (let round = 0; round < 5; round += 1) {
    const short = Array.from({ length: 20 }, () => container.exec(['true'], { timeoutMs: 10_000 }));
    for (const { exitCode, timedOut } of await Promise.all(short)) {
      expect({ exitCode, timedOut }).toEqual({ exitCode: 0, timedOut: false });
    }
  }
});
