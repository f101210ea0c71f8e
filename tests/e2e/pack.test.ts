/** What a user gets from npm: every package packed, installed without scripts, used from there. */
import { existsSync, readFileSync } from 'node:fs';

import { type PublishedBuild, publishBuild } from '@ctr-ts/dev/publish';
import { publishedPackages, root } from '@ctr-ts/dev/repository';
import { findTestUser, spawnOptionsOf, testUserNames } from '@ctr-ts/dev/test-users';
import { beforeAll, expect, test } from 'vitest';

import { type CommandOptions, execute, must } from './support/command.ts';

let build: PublishedBuild;
beforeAll(async () => {
  build = await publishBuild();
}, 180_000);

const callers = [
  { caller: 'root', as: () => ({ cwd: build.directory }) as CommandOptions },
  ...Object.values(testUserNames).map((name) => ({
    caller: name,
    as: (): CommandOptions | undefined => {
      const user = findTestUser(name);
      return user && { ...spawnOptionsOf(user), cwd: build.directory };
    },
  })),
];

test('every package is there, built, and outside the repository', () => {
  expect(build.directory.startsWith(root)).toBe(false);
  expect(build.tarballs.length).toBe(publishedPackages.length);
  for (const folder of publishedPackages) {
    const { name, scripts } = JSON.parse(readFileSync(`${root}/${folder}/package.json`, 'utf8'));
    expect(existsSync(`${build.directory}/node_modules/${name}/package.json`), name).toBe(true);
    expect(
      Object.keys(scripts ?? {}).filter((script) => /install/.test(script)),
      name,
    ).toEqual([]);
  }
});

test.each(callers)('ctr-ts run host: id works as $caller', async ({ as }) => {
  const options = as();
  if (options === undefined)
    return expect.fail('the test users are missing; run npm test once as root');
  const ended = await execute(build.cli, ['run', '--rm', 'host:', 'id'], options);
  expect(ended.stderr).toBe('');
  expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^uid=0\(root\)/) });
});

test.each(callers)('run() of the SDK works as $caller', async ({ as }) => {
  const options = as();
  if (options === undefined)
    return expect.fail('the test users are missing; run npm test once as root');
  const source = `
    import { run } from '@ctr-ts/sdk';
    const { exitCode, stdout } = await run({ image: 'host:', command: ['id'] });
    console.log(exitCode, stdout.trim());`;
  const words = ['--input-type=module', '--eval', source];
  const output = await must(build.node, words, options);
  expect(output).toMatch(/^0 uid=0\(root\)/);
});

test('importing the packages does not load the addon', async () => {
  const source = `
    const names = ['@ctr-ts/sdk', '@ctr-ts/native', '@ctr-ts/image', '@ctr-ts/plugin'];
    await Promise.all(names.map((name) => import(name)));
    const { readFileSync } = await import('node:fs');
    console.log(readFileSync('/proc/self/maps', 'utf8').includes('ctr.node'));`;
  const words = ['--input-type=module', '--eval', source];
  expect(await must(build.node, words, { cwd: build.directory })).toBe('false\n');
});

test('the types of the public packages are there', () => {
  for (const name of ['sdk', 'native', 'image', 'plugin']) {
    const folder = `${build.directory}/node_modules/@ctr-ts/${name}`;
    const { exports } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
    expect(existsSync(`${folder}/${exports['.'].types}`), name).toBe(true);
  }
});

test('nothing private is packed: no tests, no sources, no paths of this machine', async () => {
  for (const tarball of build.tarballs) {
    const list = (await must('tar', ['-tzf', tarball])).trim().split('\n');
    expect(
      list.filter((path) => /\.test\.|\/src\/|tsbuildinfo|\.rs$/.test(path)),
      tarball,
    ).toEqual([]);
    const text = await must('tar', ['-xzOf', tarball, '--wildcards', '*.js*']);
    expect(text.includes(root), tarball).toBe(false);
  }
});

test('Node 20 gets one line that says what is needed, and exit code 1', async ({ skip }) => {
  const old = '/usr/bin/node';
  const version = existsSync(old) ? await must(old, ['--version']) : '';
  if (!/^v(1[2-9]|20|21)\./.test(version)) return skip('no Node 12 to 21 at /usr/bin/node');
  const ended = await execute(old, [build.cliScript, 'run', 'host:', 'id']);
  expect(ended).toMatchObject({ exitCode: 1, stdout: '' });
  const [line, ...more] = ended.stderr.split('\n');
  expect(line).toMatch(/^ctr-ts: found Node [\d.]+, needs Node 22\.18 or newer; next: \S/);
  expect(line).toContain(version.trim().slice(1));
  expect(more).toEqual(['']);
});
