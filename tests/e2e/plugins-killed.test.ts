/** Installs that are killed, and installs at the same time. */
import { once } from 'node:events';
import { chmodSync, readdirSync, utimesSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { publishBuild } from '@ctr-ts/dev/publish';
import { findTestUser, testUserNames } from '@ctr-ts/dev/test-users';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { type PluginHost, packPlugin, pluginHost } from './support/plugins.ts';

let host: PluginHost;
beforeAll(async () => {
  await publishBuild();
}, 180_000);
beforeEach(async () => {
  host = await pluginHost();
});
afterEach(() => host?.remove());

const twoHoursAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);

test('an install that is killed at any moment leaves plugins that work, and no folder for ever', async () => {
  const old = await packPlugin(host.scratch, { name: 'plugin-kill', version: '1.0.0' });
  const fresh = await packPlugin(host.scratch, { name: 'plugin-kill', version: '2.0.0' });
  await host.json(['plugins', 'install', old]);
  const rounds = { killed: 0, done: 0 };
  for (let delayMs = 60; delayMs <= 1260; delayMs += 150) {
    const install = host.startCtr(['plugins', 'install', fresh]);
    await sleep(delayMs);
    install.killGroup();
    const { exitCode } = await install.ended;
    rounds[exitCode === 0 ? 'done' : 'killed'] += 1;
    // Whichever version counts, it is whole.
    expect(await host.ctr(['greet'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^this is greet of plugin-kill [12]\.0\.0\n$/),
    });
    const index = readdirSync(host.directory).filter((name) => name.startsWith('index-'));
    expect(index.length).toBeGreaterThan(0);
  }
  expect(rounds.killed).toBeGreaterThan(3);

  for (const name of host.projects()) {
    utimesSync(join(host.directory, 'packages', name), twoHoursAgo, twoHoursAgo);
  }
  await host.json(['plugins', 'install', fresh]);
  expect(host.projects()).toHaveLength(1);
  expect((await host.ctr(['greet'])).stdout).toBe('this is greet of plugin-kill 2.0.0\n');
  expect(await host.json(['plugins', 'list'])).toMatchObject([
    { version: '2.0.0', commands: ['greet'] },
  ]);
}, 180_000);

test('an old version that cannot be removed does not take the new one along', async () => {
  // Root may remove anything.
  const user = findTestUser(testUserNames.withSubordinateIds);
  if (user === undefined) {
    return expect.fail('the test users are missing; run npm test once as root');
  }
  const own = await pluginHost(user);
  try {
    const packed = (version: string) => packPlugin(own.scratch, { name: 'plugin-stuck', version });
    await own.json(['plugins', 'install', await packed('1.0.0')]);
    const packages = join(own.directory, 'packages');
    const [old = ''] = readdirSync(packages);
    chmodSync(join(packages, old), 0o500);
    const second = await own.ctr(['plugins', 'install', await packed('2.0.0')]);
    expect(second).toMatchObject({ exitCode: 0, stderr: '' });
    expect((await own.ctr(['greet'])).stdout).toBe('this is greet of plugin-stuck 2.0.0\n');
    expect(await own.ctr(['plugins', 'uninstall', 'plugin-stuck'])).toMatchObject({ exitCode: 0 });

    chmodSync(join(packages, old), 0o700);
    utimesSync(join(packages, old), twoHoursAgo, twoHoursAgo);
    await own.json(['plugins', 'install', await packed('3.0.0')]);
    expect(readdirSync(packages)).not.toContain(old);
  } finally {
    own.remove();
  }
});

test.each(['SIGINT', 'SIGTERM'] as const)('%s during a download leaves nothing', async (signal) => {
  // A registry that never answers.
  const registry = createServer().listen(0, '127.0.0.1');
  await once(registry, 'listening');
  try {
    const { port } = registry.address() as AddressInfo;
    const env = { ...host.env, npm_config_registry: `http://127.0.0.1:${port}/` };
    const install = host.startCtr(['plugins', 'install', 'some-package'], { env });
    await once(registry, 'request');
    expect(host.projects()).toHaveLength(1);
    install.child.kill(signal);
    const { exitCode, stdout, stderr } = await install.ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: signal === 'SIGINT' ? 130 : 143, stdout: '' });
    expect(stderr).toBe(`ctr-ts: given up (${signal})\n`);
    expect(host.projects()).toEqual([]);
  } finally {
    registry.close();
    registry.closeAllConnections();
  }
});

test('installs at the same time all count', async () => {
  const files = await Promise.all(
    ['one', 'two', 'three'].map((command) =>
      packPlugin(host.scratch, { name: `plugin-${command}`, command }),
    ),
  );
  const ended = await Promise.all(files.map((file) => host.ctr(['plugins', 'install', file])));
  expect(ended.map(({ exitCode, stderr }) => ({ exitCode, stderr }))).toEqual(
    files.map(() => ({ exitCode: 0, stderr: '' })),
  );
  const list: { name: string }[] = await host.json(['plugins', 'list']);
  expect(list.map(({ name }) => name)).toEqual(['plugin-one', 'plugin-three', 'plugin-two']);
  expect(list.filter((plugin) => 'problem' in plugin)).toEqual([]);
});

test('of two plugins with one word that come at the same time one is refused', async () => {
  const files = await Promise.all(
    ['a', 'b', 'c'].map((name) =>
      packPlugin(host.scratch, { name: `plugin-${name}`, command: 'same' }),
    ),
  );
  const ended = await Promise.all(files.map((file) => host.ctr(['plugins', 'install', file])));
  expect(ended.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1);
  expect(ended.filter(({ stderr }) => stderr.includes('[PLUGIN_COLLISION]'))).toHaveLength(2);
  expect(host.projects()).toHaveLength(1);
  expect((await host.ctr(['same'])).stdout).toMatch(/^this is same of plugin-[abc] 1\.0\.0\n$/);
});

test('the same plugin at the same time is there once', async () => {
  const file = await packPlugin(host.scratch, { name: 'plugin-twice' });
  const ended = await Promise.all([1, 2].map(() => host.ctr(['plugins', 'install', file])));
  expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  expect(host.projects()).toHaveLength(1);
  expect((await host.ctr(['greet'])).stdout).toContain('plugin-twice');
});
