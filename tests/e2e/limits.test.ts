/** Limits that hold: what exceeds them is stopped and said so, inside an outer group that ends what escapes. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { cpuUsageOf } from '@ctr-ts/dev/cpu-usage';
import { paths, repositoryNode, root } from '@ctr-ts/dev/repository';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Ended, eventually, execute, isAlive, slowness, start } from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { makeOuterGroup, type OuterGroup } from './support/outer-group.ts';

let outer: OuterGroup;
let before: Machine;
beforeEach(({ skip }) => {
  const made = makeOuterGroup();
  if (made === undefined) return skip('no pids and memory controllers for the outer group');
  outer = made;
  before = snapshot();
});
afterEach(async () => {
  await eventually('the end of every process', () => !outer?.members().length, 1000);
  await outer?.close();
  expect((await leftSince(before)).filter((line) => !line.includes('ctr-test-'))).toEqual([]);
});

const contained = (args: string[], timeoutMs = 30_000): Promise<Ended> =>
  execute(...outer.wrap(paths.launcher, args), { timeoutMs });
const startContained = (args: string[]) =>
  start(...outer.wrap(paths.launcher, args), { timeoutMs: 40_000 });
const shell = (flags: string[], script: string) => [
  'run',
  '--rm',
  ...flags,
  'host:',
  'sh',
  '-c',
  script,
];

/** A script of the SDK, in the outer group. */
async function sdk(source: string): Promise<unknown> {
  const words = ['--input-type=module', '--eval', `import { run } from '@ctr-ts/sdk';\n${source}`];
  const [command, args] = outer.wrap(repositoryNode(), words);
  const ended = await execute(command, args, { cwd: `${root}/tests`, timeoutMs: 40_000 });
  expect(ended.stderr).toBe('');
  return JSON.parse(ended.stdout);
}

/** Takes so many bytes and touches each page. */
const take = (bytes: number) =>
  `/usr/bin/python3 -c 'x = bytearray(b"x") * ${bytes}; print(len(x))'`;

test('what needs more memory than its limit is killed, and that is said', async () => {
  const fits = await contained(shell(['--memory', '128m'], take(32 << 20)));
  expect(fits, fits.stderr).toMatchObject({ exitCode: 0, stdout: `${32 << 20}\n` });
  const killed = await contained(shell(['--memory', '64m'], `exec ${take(256 << 20)}`));
  expect(killed).toMatchObject({ exitCode: 137, stdout: '' });
  expect(killed.stderr).toContain('out of memory');
});

test('oomKilled tells a child that was killed too', async () => {
  const script = `${take(256 << 20)}; echo "child $?"`;
  const options = { image: 'host:', command: ['sh', '-c', script], memoryBytes: 64 << 20 };
  const result = await sdk(`console.log(JSON.stringify(await run(${JSON.stringify(options)})))`);
  expect(result).toMatchObject({ exitCode: 0, stdout: 'child 137\n', oomKilled: true });
  const fine = await sdk(
    `console.log(JSON.stringify(await run({ image: 'host:', command: ['true'], memoryBytes: 64 << 20 })))`,
  );
  expect(fine).toMatchObject({ exitCode: 0, oomKilled: false });
});

test('a process limit stops a fork bomb, and all of it ends with the container', async () => {
  // Every process forks without end; PID 1 lives on to end it all.
  const bomb = [
    'import os, time',
    'def fork():',
    '    try: return os.fork()',
    '    except OSError: return None',
    'while (child := fork()) is not None:',
    '    while child == 0:',
    '        if fork() is None: time.sleep(0.05)',
    "print('refused', flush=True); time.sleep(2); print('survived')",
  ].join('\n');
  const most = { count: 0 };
  const watchdog = setInterval(() => {
    most.count = Math.max(most.count, outer.members().length);
  }, 20);
  const words = ['run', '--rm', '--pids-limit', '40', '--timeout', `${9 * slowness}s`, 'host:'];
  const started = startContained([...words, '/usr/bin/python3', '-c', bomb]);
  const ended = await started.ended.finally(() => clearInterval(watchdog));
  expect(ended).toMatchObject({ exitCode: 0, stdout: 'refused\nsurvived\n' });
  // 40 inside; ctr-ts itself and its launcher outside of the limit.
  expect(most.count).toBeGreaterThan(30);
  expect(most.count).toBeLessThan(48);
  await eventually('the end of the bomb', () => outer.members().length === 0);
});

test('--timeout kills a tree that daemonized and ignores signals', async () => {
  const nest =
    'trap "" TERM HUP INT; setsid sh -c "trap \\"\\" TERM; sleep 291 & setsid sleep 291" & sleep 291';
  const started = startContained(shell(['--timeout', `${slowness}s`, '--pids-limit', '30'], nest));
  const tree = await eventually('the tree', () => {
    const found = [...snapshot()].filter((line) => line.endsWith('/sleep sleep 291'));
    return found.length === 3 && found.map((line) => Number(line.split(' ')[1]));
  });
  expect(await started.ended).toMatchObject({
    exitCode: 137,
    stderr: expect.stringContaining('timed out'),
  });
  await eventually('the end of the tree', () => tree.every((pid) => !isAlive(pid)), 2000);
});

test('timeoutMs of the SDK kills the tree and says timedOut', async () => {
  const command = ['sh', '-c', 'setsid sleep 290 & sleep 290'];
  const options = { image: 'host:', command, timeoutMs: 1000 * slowness, pidsLimit: 30 };
  expect(
    await sdk(`console.log(JSON.stringify(await run(${JSON.stringify(options)})))`),
  ).toMatchObject({ timedOut: true, exitCode: null, signal: 'SIGKILL', oomKilled: false });
  expect([...snapshot()].filter((line) => line.endsWith('/sleep sleep 290'))).toEqual([]);
});

test('a limit of 0.2 cpus holds a busy loop to 23 percent, throttled by the kernel', async () => {
  const started = startContained(
    shell(['--cpus', '0.2', '--timeout', `${20 * slowness}s`], 'echo up; while :; do :; done'),
  );
  await started.until(/up/);
  const pid = await eventually('the loop', () => {
    const found = [...snapshot()].find(
      (line) => line.includes('while :; do :; done') && !before.has(line) && isContained(line),
    );
    return found === undefined ? undefined : Number(found.split(' ')[1]);
  });
  const first = cpuUsageOf(pid);
  await sleep(5000);
  const last = cpuUsageOf(pid);
  const share = (last.usageNs - first.usageNs) / (last.readAtNs - first.readAtNs);
  expect(share).toBeLessThanOrEqual(0.23);
  expect(share).toBeGreaterThan(0.1);
  expect(last.throttled - first.throttled).toBeGreaterThan(10);
  started.child.kill('SIGTERM');
  started.killGroup();
  await started.ended;
  await eventually('its end', () => outer.members().length === 0);
});

/** PID 1 of a namespace of its own: the loop, and not the ctr-ts whose arguments also name it. */
function isContained(line: string): boolean {
  const pid = line.split(' ')[1];
  try {
    return /^NSpid:.*\s1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
