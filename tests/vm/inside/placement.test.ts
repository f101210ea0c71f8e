/**
 * Where groups go on version 2, seen from places where that is not plain: inside a limited group,
 * in a cgroup namespace, in a group that somebody else fills. Root only.
 */
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';

import { paths } from '@ctr-ts/dev/repository';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Ended, eventually, execute } from '../../e2e/support/command.ts';

const mount = '/sys/fs/cgroup';
const box = `${mount}/placement`;
const limited = ['run', '--rm', '--pids-limit', '30', 'host:', 'cat', '/sys/fs/cgroup/pids.max'];

beforeEach(() => {
  writeFileSync(`${mount}/cgroup.subtree_control`, '+cpu +memory +pids');
  mkdirSync(box);
});
afterEach(async () => {
  // The launcher outlives its command by a moment, which an emulated processor makes longer.
  await eventually('the end of everything in the box', () => {
    try {
      for (const leaf of [`${box}/ctr-ts.caller`, `${box}/shell`]) {
        if (existsSync(leaf)) rmdirSync(leaf);
      }
      rmdirSync(box);
      return true;
    } catch {
      return false;
    }
  });
});

const sh = (script: string, args: readonly string[]): Promise<Ended> =>
  execute('/bin/sh', ['-c', script, 'sh', ...args], { timeoutMs: 60_000 });
/** A shell that makes the box the root of what it sees of the tree, as a container manager does. */
const inNamespace = (script: string, command = limited) =>
  sh(
    `echo 0 >${box}/cgroup.procs && exec unshare -Cm sh -c 'umount ${mount}; mount -t cgroup2 cgroup2 ${mount}; ${script}' sh "$@"`,
    [paths.launcher, ...command],
  );
const plain = ['run', '--rm', 'host:', 'cat', '/proc/self/cgroup'];
const control = () => readFileSync(`${box}/cgroup.subtree_control`, 'utf8').trim();

test('a container stays below the limited group whose leaf its caller is in', async () => {
  writeFileSync(`${box}/pids.max`, '300');
  mkdirSync(`${box}/shell`);
  const script = `echo 0 >${box}/shell/cgroup.procs; "$@" & wait $!; cat ${box}/pids.peak 2>&-`;
  const look = [...limited.slice(0, -2), 'sh', '-c', 'cat /proc/1/cgroup; sleep 3'];
  const running = sh(script, [paths.launcher, ...look]);
  let seen: string | undefined;
  for (let round = 0; round < 600 && seen === undefined; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (control().includes('pids')) seen = control();
  }
  expect(await running).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('0::/') });
  expect(seen).toContain('pids');
});

test('the only process of a cgroup namespace steps aside, and limits work', async () => {
  const ended = await inNamespace('exec "$@"');
  expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stdout: '30\n' });
  expect(control()).toBe('pids');
});

test('without a limit the group it left stays one that processes can enter', async () => {
  const ended = await inNamespace('exec "$@"', plain);
  expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stdout: '0::/\n' });
  expect(existsSync(`${box}/ctr-ts.caller`)).toBe(true);
  expect(control()).toBe('');
});

test('where others are in the group nothing is moved, and the next step is named', async () => {
  const ended = await inNamespace('"$@"; code=$?; cat /proc/self/cgroup; exit $code');
  expect(ended).toMatchObject({ exitCode: 125, stdout: '0::/\n' });
  expect(ended.stderr).toContain('[CGROUP_NOT_DELEGATED]');
  expect(ended.stderr).toMatch(/mkdir \/sys\/fs\/cgroup\/shell && echo \$\$/);
});

test('that step helps, and without a limit none is needed', async () => {
  const step = `mkdir ${mount}/shell && echo $$ > ${mount}/shell/cgroup.procs`;
  const helped = await inNamespace(`${step}; "$@"; exit $?`);
  expect(helped, helped.stderr).toMatchObject({ exitCode: 0, stdout: '30\n' });
});

test('without a limit a container runs where others are in the group too', async () => {
  const ended = await sh(
    `echo 0 >${box}/cgroup.procs && exec unshare -Cm sh -c 'umount ${mount}; mount -t cgroup2 cgroup2 ${mount}; "$@"; exit $?' sh "$@"`,
    [paths.launcher, ...plain],
  );
  expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stdout: '0::/\n' });
});

test('below systemd a user without its mark comes to the same base inside and out', async () => {
  // Before systemd 251 the mark of a delegated group is one that only root of the host can read.
  mkdirSync('/run/systemd/system', { recursive: true });
  const runtime = '/run/placement';
  mkdirSync(runtime, { mode: 0o700 });
  try {
    const [uid = 0, gid = 0] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, 'ctr-test'], { encoding: 'utf8' })),
    );
    const given = ['', '/cgroup.procs', '/cgroup.subtree_control'];
    for (const path of [runtime, ...given.map((name) => `${box}${name}`)]) {
      chownSync(path, uid, gid);
    }
    mkdirSync(`${box}/shell`);
    const become = 'setpriv --reuid ctr-test --regid ctr-test --init-groups';
    const home = `HOME=/home/ctr-test USER=ctr-test XDG_RUNTIME_DIR=${runtime}`;
    const script = `echo 0 >${box}/shell/cgroup.procs && exec env ${home} ${become} "$@"`;
    const ended = await sh(script, [paths.launcher, ...limited]);
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0, stdout: '30\n' });
    expect(control()).toBe('cpu memory pids');
  } finally {
    rmSync(runtime, { recursive: true, force: true });
    rmSync('/run/systemd', { recursive: true });
  }
});
