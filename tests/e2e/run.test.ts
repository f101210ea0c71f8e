/** `ctr-ts run` on `host:` as root: what the command sees, and what its end looks like outside. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  type CommandOptions,
  ctr,
  eventually,
  isAlive,
  slowness,
  startCtr,
} from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

const directory = mkdtempSync(join(tmpdir(), 'e2e-run-'));
let before: Machine;
beforeAll(() => {
  before = snapshot();
});
afterAll(() => rmSync(directory, { recursive: true }));

const run = (flags: string[], command: string[], options?: CommandOptions) =>
  ctr(['run', '--rm', ...flags, 'host:', ...command], options);
/** stdout of a command that must succeed. */
const output = async (flags: string[], command: string[], options?: CommandOptions) => {
  const ended = await run(flags, command, options);
  expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stderr: '', timedOut: false });
  return ended.stdout;
};
const shell = (flags: string[], script: string, options?: CommandOptions) =>
  output(flags, ['sh', '-c', script], options);

test('the command is root and PID 1 of a container that holds nothing else', async () => {
  expect(await output([], ['id'])).toMatch(/^uid=0\(root\) gid=0\(root\)/);
  expect(await shell([], 'echo $$; ls -d /proc/[0-9]* | wc -l')).toMatch(/^1\n\d\n$/);
});

test('the host name is what was asked for, and the host keeps its own', async () => {
  const host = readFileSync('/proc/sys/kernel/hostname', 'utf8');
  expect(await output(['--hostname', 'inner'], ['cat', '/proc/sys/kernel/hostname'])).toBe(
    'inner\n',
  );
  expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(host);
});

test('without a host name it is the short id', async () => {
  expect(await output([], ['cat', '/proc/sys/kernel/hostname'])).toMatch(/^[0-9a-f]{12}\n$/);
});

test('the environment is what was asked for and nothing of the caller', async () => {
  const env = { ...process.env, PASSED_ON: 'by name', SECRET: 'not this' };
  const text = await output(['-e', 'GIVEN=a b=c', '-e', 'PASSED_ON'], ['env'], { env });
  const lines = text.trim().split('\n');
  expect(lines).toContain('GIVEN=a b=c');
  expect(lines).toContain('PASSED_ON=by name');
  expect(text).not.toContain('SECRET');
  expect(lines.some((line) => line.startsWith('PATH='))).toBe(true);
  expect(lines).toContain('HOME=/root');
});

test('the working directory and the user are what was asked for', async () => {
  expect(
    await output(['-w', '/usr/lib', '-u', 'daemon'], ['sh', '-c', 'pwd; id -un; id -gn']),
  ).toBe('/usr/lib\ndaemon\ndaemon\n');
  expect(await shell(['-u', '4321:1234'], 'id -u; id -g')).toBe('4321\n1234\n');
});

test("the exit code is the command's, and 128 + n when a signal ended it", async () => {
  expect(await run([], ['sh', '-c', 'exit 42'])).toMatchObject({ exitCode: 42, stderr: '' });
  const killed = await run([], ['sh', '-c', 'sh -c "kill -TERM \\$\\$"; exit $?']);
  expect(killed).toMatchObject({ exitCode: 143 });
});

test('a program that is missing is 127, one that cannot be executed is 126', async () => {
  expect(await run([], ['no-such-program'])).toMatchObject({
    exitCode: 127,
    stderr: expect.stringContaining('[COMMAND_NOT_FOUND]'),
  });
  expect(await run([], ['/etc/passwd'])).toMatchObject({
    exitCode: 126,
    stderr: expect.stringMatching(/\[COMMAND_NOT_EXECUTABLE\]/),
  });
});

test('stdin is connected with -i and empty without', async () => {
  expect(await output(['-i'], ['cat'], { input: 'through\n' })).toBe('through\n');
  expect(await output([], ['cat'], { input: 'not through\n' })).toBe('');
});

test('stdout and stderr stay apart, also when they are large', async () => {
  const ended = await run([], ['sh', '-c', 'seq 1 20000; seq 1 20000 >&2']);
  const expected = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join('');
  expect(ended.exitCode).toBe(0);
  expect(ended.stdout === expected).toBe(true);
  expect(ended.stderr === expected).toBe(true);
});

test("a volume is the host's directory, and :ro refuses writes", async () => {
  writeFileSync(join(directory, 'file'), 'from the host');
  const volume = `${directory}:/work`;
  expect(await shell(['-v', volume], 'cat /work/file; echo inside > /work/new')).toBe(
    'from the host',
  );
  expect(readFileSync(join(directory, 'new'), 'utf8')).toBe('inside\n');
  const refused = await run(['-v', `${volume}:ro`], ['sh', '-c', 'echo x > /work/other']);
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Read-only') });
});

test('a tmpfs has the size that was asked for', async () => {
  const script =
    'head -c 2M /dev/zero > /scratch/x; wc -c < /scratch/x; grep " /scratch " /proc/mounts';
  const { stdout, stderr } = await run(['--tmpfs', '/scratch:size=1m'], ['sh', '-c', script]);
  expect(stdout).toMatch(/^1048576\ntmpfs \/scratch tmpfs /);
  expect(stderr).toContain('No space left');
});

test('--read-only refuses writes to the root but not to a tmpfs', async () => {
  const script = 'echo x > /root/x || echo refused; echo y > /tmp/y && cat /tmp/y';
  const { stdout } = await run(['--read-only', '--tmpfs', '/tmp'], ['sh', '-c', script]);
  expect(stdout).toBe('refused\ny\n');
});

test('writes to the container do not reach the host', async () => {
  const path = '/root/written-by-a-container';
  await shell([], `echo x > ${path}; test -s ${path}`);
  expect(() => readFileSync(path)).toThrow('ENOENT');
  const refused = await run([], ['sh', '-c', 'echo x > /usr/written-by-a-container']);
  expect(refused.exitCode).not.toBe(0);
});

test('--timeout kills the whole tree, says so, and ends with 137', async () => {
  const started = startCtr([
    ...['run', '--rm', '--timeout', `${slowness}s`, 'host:', 'sh', '-c'],
    'trap "" TERM INT; (trap "" TERM; setsid sleep 300 & setsid sleep 300) & echo up; wait; sleep 300',
  ]);
  await started.until(/up/);
  const inside = await eventually('processes of the container', () => {
    const found = [...snapshot()].filter((line) => line.includes('sleep 300') && !before.has(line));
    return found.length >= 2 && found.map((line) => Number(line.split(' ')[1]));
  });
  const ended = await started.ended;
  expect(ended).toMatchObject({
    exitCode: 137,
    stderr: expect.stringContaining(`timed out after ${slowness}s`),
  });
  expect(ended.durationMs).toBeLessThan(8000 * slowness);
  await eventually('the end of every process', () => inside.every((pid) => !isAlive(pid)));
});

test('SIGTERM for ctr-ts reaches the command', async () => {
  const script = 'trap "echo got it; exit 5" TERM; echo up; while :; do sleep 0.1; done';
  const started = startCtr(['run', '--rm', 'host:', 'sh', '-c', script]);
  await started.until(/up/);
  started.child.kill('SIGTERM');
  expect(await started.ended).toMatchObject({ exitCode: 5, stdout: 'up\ngot it\n' });
});

test('--json prints one document with the result', async () => {
  const { stdout, exitCode } = await run(
    ['--json'],
    ['sh', '-c', 'echo out; echo err >&2; exit 3'],
  );
  expect(exitCode).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    exitCode: 3,
    signal: null,
    stdout: 'out\n',
    stderr: 'err\n',
    truncated: false,
    oomKilled: false,
    timedOut: false,
  });
});

test('the calling Node is on the PATH unless it is turned off', async () => {
  expect(await output([], ['node', '-p', '1 + 1'])).toBe('2\n');
  expect(await shell([], 'command -v node')).toBe('/opt/node/bin/node\n');
  expect(await shell(['--no-node'], 'test -e /opt/node || echo none')).toBe('none\n');
});

test('nothing of all this is left on the machine', async () => {
  expect(await leftSince(before)).toEqual([]);
});
