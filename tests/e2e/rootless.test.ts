/** The main job as ordinary users, from the packed product and without any help of root. */
import { readFileSync } from 'node:fs';

import { beforeAll, describe, expect, test } from 'vitest';

import { eventually, slowness } from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { productOf, type UserProduct, userKinds } from './support/user.ts';

describe.each(userKinds)('a user $kind', ({ name }) => {
  let product: UserProduct;
  let before: Machine;
  beforeAll(async () => {
    const found = await productOf(name);
    if (found === undefined) throw new Error(`no user ${name}: run npm test once as root`);
    product = found;
    before = snapshot();
  }, 180_000);

  const run = (flags: string[], script: string) =>
    product.ctr(['run', '--rm', ...flags, 'host:', 'sh', '-c', script]);

  test('runs id as root of a container', async () => {
    const ended = await product.ctr(['run', 'host:', 'id']);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/^uid=0\(root\) gid=0\(root\)/);
    expect(ended.exitCode).toBe(0);
    await product.ctr(['system', 'prune', '-f']);
  });

  test('is PID 1 with its own host name, network, environment and root', async () => {
    const script = [
      'echo $$ $X $(pwd)',
      'cat /proc/sys/kernel/hostname',
      `sed -n 's/^ *\\([^ :]*\\):.*/\\1/p' /proc/net/dev`,
      'touch /root/new && ls /root',
    ].join('; ');
    const ended = await run(['--hostname', 'inner', '-e', 'X=y', '-w', '/tmp'], script);
    expect(ended).toMatchObject({ exitCode: 0, stdout: '1 y /tmp\ninner\nlo\nnew\n', stderr: '' });
  });

  test('is itself outside, and never root', async () => {
    const script = 'echo up; exec sleep 297';
    const started = product.startCtr(['run', '--rm', 'host:', 'sh', '-c', script]);
    await started.until(/up/);
    const pid = await pidOf('sleep 297');
    expect(statusOf(pid, 'Uid').split(/\s+/)).toEqual(Array(4).fill(String(product.user.uid)));
    expect(statusOf(pid, 'NSpid')).toMatch(/\s1$/);
    started.child.kill('SIGKILL');
    await started.ended;
    await eventually('the end of the container', () => !pids('sleep 297').length, 2000);
  });

  test('gets exit codes, stdin and streams', async () => {
    expect(await run([], 'exit 42')).toMatchObject({ exitCode: 42 });
    expect(await product.ctr(['run', '--rm', 'host:', 'nope'])).toMatchObject({ exitCode: 127 });
    const through = await product.ctr(['run', '--rm', '-i', 'host:', 'cat'], { input: 'in' });
    expect(through).toMatchObject({ exitCode: 0, stdout: 'in' });
  });

  test('execs in, lists, kills and removes a container of another process of its own', async () => {
    const started = product.startCtr([
      'run',
      '--name',
      'mine',
      'host:',
      'sh',
      '-c',
      'echo up; sleep 296',
    ]);
    await started.until(/up/);
    expect((await product.ctr(['ps'])).stdout).toMatch(/ mine$/m);
    expect(await product.ctr(['exec', 'mine', 'id', '-u'])).toMatchObject({
      stdout: '0\n',
      stderr: '',
    });
    expect(await product.ctr(['kill', 'mine'])).toMatchObject({ exitCode: 0 });
    expect((await started.ended).exitCode).toBe(137);
    expect(await product.ctr(['rm', 'mine'])).toMatchObject({ exitCode: 0 });
    expect((await product.ctr(['ps', '-aq'])).stdout).toBe('');
  });

  test('has a time limit, volumes, tmpfs and a read-only root', async () => {
    expect(await run(['--timeout', `${500 * slowness}ms`], 'sleep 60')).toMatchObject({
      exitCode: 137,
    });
    const flags = ['-v', `${product.user.home}:/mine:ro`, '--tmpfs', '/t:size=1m', '--read-only'];
    const script = 'touch /mine/x || echo ro; touch /t/x && echo rw; touch /root/x || echo ro';
    expect((await run(flags, script)).stdout).toBe('ro\nrw\nro\n');
  });

  test('has capabilities in its own namespace and the filter', async () => {
    const { stdout } = await run(
      [],
      'grep -E "^(CapEff|Seccomp):" /proc/self/status; unshare -U true 2>&1',
    );
    expect(stdout).toMatch(/^CapEff:\s*00000000800005fb\nSeccomp:\s*2\n/);
    expect(stdout).toContain('Operation not permitted');
  });

  test('is refused a limit that was not delegated, with what to do, and nothing starts', async () => {
    for (const limit of [
      ['--memory', '64m'],
      ['--cpus', '0.5'],
      ['--pids-limit', '32'],
    ]) {
      const ended = await run(limit, 'echo started');
      expect(ended, limit.join(' ')).toMatchObject({ exitCode: 125, stdout: '' });
      expect(ended.stderr).toMatch(/\[CGROUP_(NOT_DELEGATED|UNAVAILABLE)\]\n {2}next: \S/);
    }
  });

  test('unshare makes bash PID 1 and root, and outside an ordinary process', async () => {
    const words = ['--fork', '--user', '--pid', '--map-root-user', '--mount-proc'];
    const script = 'echo "pid=$$ uid=$(id -u)"; ps -e -o pid=,user=,comm=; exec sleep 295';
    const started = product.startCtr(['unshare', ...words, '--', '/bin/bash', '-c', script]);
    await started.until(/ps\n/);
    expect(started.stdout()).toMatch(/^pid=1 uid=0\n\s+1 root\s+bash\n\s+\d+ root\s+ps\n$/);
    const pid = await pidOf('sleep 295');
    expect(pid).not.toBe(1);
    expect(statusOf(pid, 'Uid').split(/\s+/)).toEqual(Array(4).fill(String(product.user.uid)));
    expect(statusOf(pid, 'NSpid')).toMatch(/\s1$/);
    process.kill(pid, 'SIGKILL');
    expect((await started.ended).exitCode).toBe(137);
  });

  test('run() and Container of the SDK work', async () => {
    const source = `
      import { Container, run } from '@ctr-ts/sdk';
      const { stdout } = await run({ image: 'host:', command: ['id', '-u'] }).orThrow();
      const container = await Container.create({ image: 'host:' });
      const inside = await container.exec(['sh', '-c', 'echo $$; exit 3']);
      const limited = await run({ image: 'host:', command: ['true'], cpus: 0.5 }).then(() => 'ran', (e) => e.code);
      await container.remove({ force: true });
      console.log(JSON.stringify([stdout, inside.exitCode, limited]));`;
    const [uid, exitCode, limited] = JSON.parse(await product.script(source));
    expect([uid, exitCode]).toEqual(['0\n', 3]);
    expect(limited).toMatch(/^CGROUP_/);
  });

  test('doctor is content', async () => {
    const ended = await product.ctr(['doctor', '--json']);
    expect(ended.exitCode, ended.stdout).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: true });
  });

  test('leaves nothing on the machine', async () => {
    expect(await leftSince(before)).toEqual([]);
  });
});

/** Processes whose command line this is. */
function pids(command: string): number[] {
  return [...snapshot()]
    .filter((line) => line.startsWith('process ') && line.endsWith(` ${command}`))
    .map((line) => Number(line.split(' ')[1]));
}

function pidOf(command: string): Promise<number> {
  return eventually(`a process ${command}`, () => pids(command)[0]);
}

function statusOf(pid: number, field: string): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
}
