/**
 * Machines that refuse what containers need, each made for real around the product: one answer
 * from `run`, the SDK and `doctor`, before anything is made.
 */
import { copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { type PublishedBuild, publishBuild } from '@ctr-ts/dev/publish';
import { findTestUser, spawnOptionsOf, testUserNames } from '@ctr-ts/dev/test-users';
import { beforeAll, describe, expect, test } from 'vitest';

import { type CommandOptions, execute } from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

let build: PublishedBuild;
beforeAll(async () => {
  build = await publishBuild();
  // Where every user can read it.
  copyFileSync(resolve(import.meta.dirname, '../fixtures/refuse.py'), fixture());
}, 180_000);
const fixture = () => join(build.directory, 'refuse.py');

const noUserNamespaces =
  'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps -all --inh-caps -all "$@"';

interface Environment {
  name: string;
  /** Undefined: root. */
  user: string | undefined;
  /** The words before the command. */
  around(): string[];
  probe: RegExp;
  remedy: RegExp;
}

const environments: Environment[] = [
  ...Object.values(testUserNames).map((user) => ({
    name: `user.max_user_namespaces is 0 (${user})`,
    user,
    around: () => [
      ...['unshare', '--user', '--map-current-user', '--keep-caps'],
      ...['sh', '-c', noUserNamespaces, 'sh'],
    ],
    probe: /^userNamespace$/,
    remedy: /sysctl -w user\.max_user_namespaces=/,
  })),
  {
    name: 'a filter denies CLONE_NEWUSER and clone3',
    user: testUserNames.withSubordinateIds,
    around: () => ['/usr/bin/python3', fixture(), 'user-namespaces'],
    probe: /^userNamespace$/,
    remedy: /seccomp=unconfined|--privileged/,
  },
  {
    name: 'a filter denies mounts to an ordinary user',
    user: testUserNames.withoutSubordinateIds,
    around: () => ['/usr/bin/python3', fixture(), 'mounts'],
    probe: /^(mount|procfs)$/,
    remedy: /mount/,
  },
  {
    name: 'a filter denies mounts to root',
    user: undefined,
    around: () => ['/usr/bin/python3', fixture(), 'mounts'],
    probe: /^(mount|procfs)$/,
    remedy: /mount/,
  },
  {
    name: 'root without CAP_SYS_ADMIN',
    user: undefined,
    around: () => ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'],
    probe: /^namespaces$/,
    remedy: /CAP_SYS_ADMIN/,
  },
];

describe.each(environments)('$name', ({ user, around, probe, remedy }) => {
  let options: CommandOptions;
  let before: Machine;
  beforeAll(() => {
    const found = user === undefined ? undefined : findTestUser(user);
    if (user !== undefined && found === undefined)
      throw new Error(`no user ${user}: run npm test once as root`);
    options = { ...(found ? spawnOptionsOf(found) : {}), cwd: build.directory };
    before = snapshot();
  });
  const under = (...command: string[]) => {
    const [program = '', ...words] = [...around(), ...command];
    return execute(program, words, options);
  };
  const expected = {
    code: 'UNSUPPORTED_ENVIRONMENT',
    probe: expect.stringMatching(probe),
    remedy: expect.stringMatching(remedy),
  };

  test('run ends with 125, one line with the code and one with the remedy', async () => {
    const ended = await under(build.cli, 'run', '--rm', 'host:', 'id');
    expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
    expect(ended.stderr).toMatch(
      /^ctr-ts: [^\n]* \[UNSUPPORTED_ENVIRONMENT\]\n {2}next: [^\n]+\n$/,
    );
    expect(ended.stderr).toMatch(remedy);
    expect(await leftSince(before)).toEqual([]);
  });

  test('run --json, the SDK and doctor --json say the same', async () => {
    const json = await under(build.cli, 'run', '--rm', '--json', 'host:', 'id');
    expect(json.exitCode).toBe(125);
    const fromRun = JSON.parse(json.stdout).error;
    expect(fromRun).toMatchObject(expected);

    const source = `
      import { run } from '@ctr-ts/sdk';
      const error = await run({ image: 'host:', command: ['id'] }).then(() => ({}), (error) => error);
      console.log(JSON.stringify({ code: error.code, probe: error.probe, remedy: error.remedy }));`;
    const script = await under(build.node, '--input-type=module', '--eval', source);
    const { code, probe, remedy } = fromRun;
    expect(JSON.parse(script.stdout)).toEqual({ code, probe, remedy });

    const doctor = await under(build.cli, 'doctor', '--json');
    expect(doctor.exitCode).toBe(125);
    expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: false, error: { code, probe, remedy } });
    expect(await leftSince(before)).toEqual([]);
  });

  test('doctor says it in words, in moments', async () => {
    const ended = await under(build.cli, 'doctor');
    expect(ended.exitCode).toBe(125);
    // Wrapped to the width of a terminal.
    expect((ended.stdout + ended.stderr).replace(/\s+/g, ' ')).toMatch(remedy);
    expect(ended.durationMs).toBeLessThan(2000);
  });
});

test('doctor takes moments where everything is allowed', async () => {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const ended = await execute(build.cli, ['doctor', '--json']);
    expect(ended.exitCode, ended.stdout).toBe(0);
    times.push(ended.durationMs);
  }
  times.sort((a, b) => a - b);
  console.log(`doctor: ${times.map((time) => time.toFixed(0)).join(' ')} ms`);
  expect(times[2]).toBeLessThan(2000);
});
