import { existsSync } from 'node:fs';
import { lstat, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryStore } from '../temporary.test.fixture.ts';
import { hostMounts } from './mounts.ts';
import { openHost } from './skeleton.ts';

const mode = async (path: string) => (await lstat(path)).mode & 0o7777;

test('a skeleton has what programs expect, and nothing of homes, secrets or the network', async () => {
  const store = await temporaryStore();
  const { lower } = await openHost(store, false);
  expect(await mode(lower)).toBe(0o755);
  expect(await mode(join(lower, 'tmp'))).toBe(0o1777);
  expect(await mode(join(lower, 'var/tmp'))).toBe(0o1777);
  expect(await mode(join(lower, 'root'))).toBe(0o700);
  expect(await readlink(join(lower, 'var/run'))).toBe('/run');
  expect(await readFile(join(lower, 'etc/passwd'), 'utf8')).toMatch(/^root:/m);
  expect(await readFile(join(lower, 'etc/resolv.conf'), 'utf8')).toBe('');
  expect(await readFile(join(lower, 'etc/hosts'), 'utf8')).toMatch(/^127\.0\.0\.1\tlocalhost$/m);
  for (const name of ['home', 'root', 'usr', 'proc', 'sys', 'dev', 'opt']) {
    expect(await readdir(join(lower, name)), name).toEqual([]);
  }
  for (const name of ['shadow', 'gshadow', 'ssh', 'ssl/private', 'sudoers', 'machine-id']) {
    expect(existsSync(join(lower, 'etc', name)), name).toBe(false);
  }
});

test('top-level names are links into /usr as on the host, or binds of their own', async () => {
  const store = await temporaryStore();
  const { lower, tree } = await openHost(store, false);
  const bound = hostMounts(tree).map(({ destination }) => destination);
  expect(bound[0]).toBe('/usr');
  for (const name of ['bin', 'sbin', 'lib']) {
    const host = await lstat(`/${name}`);
    if (host.isSymbolicLink()) {
      expect(await readlink(join(lower, name))).toBe(await readlink(`/${name}`));
      expect(bound).not.toContain(`/${name}`);
    } else {
      expect(bound).toContain(`/${name}`);
    }
  }
});

test('the host is shown read-only, without set-user-id programs and devices, with all below', async () => {
  const store = await temporaryStore();
  const { tree } = await openHost(store, true);
  for (const mount of hostMounts(tree)) {
    expect(mount.options).toEqual(expect.arrayContaining(['rbind', 'rro', 'rnosuid', 'rnodev']));
  }
});

test('the calling Node is shown alone, and only when asked for', async () => {
  const store = await temporaryStore();
  const shown = await openHost(store, true);
  const node = hostMounts(shown.tree).find(({ source }) => source === process.execPath);
  expect(node?.destination).toBe('/opt/node/bin/node');
  expect(existsSync(join(shown.lower, 'opt/node/bin'))).toBe(true);
  const hidden = await openHost(store, false);
  expect(hostMounts(hidden.tree).some(({ destination }) => destination.includes('node'))).toBe(
    false,
  );
  expect(existsSync(join(hidden.lower, 'opt/node'))).toBe(false);
});

test('a skeleton is made once, and again when it was removed', async () => {
  const store = await temporaryStore();
  const { lower } = await openHost(store, true);
  const { birthtimeMs } = await stat(lower);
  expect((await openHost(store, true)).lower).toBe(lower);
  expect((await stat(lower)).birthtimeMs).toBe(birthtimeMs);
  await rm(join(lower, '..'), { recursive: true });
  expect((await openHost(store, true)).lower).toBe(lower);
  expect(existsSync(join(lower, 'etc/passwd'))).toBe(true);
});

test('launches at the same time share one skeleton', async () => {
  const store = await temporaryStore();
  const views = await Promise.all(Array.from({ length: 8 }, () => openHost(store, true)));
  expect(new Set(views.map(({ lower }) => lower)).size).toBe(1);
  expect(await readdir(join(store.dataRoot, 'host'))).toHaveLength(1);
  expect(await readdir(join(store.dataRoot, 'staging'))).toEqual([]);
});
