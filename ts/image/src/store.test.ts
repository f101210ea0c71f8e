import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bootId, processName } from './boot.ts';
import { pruneSkeletons, pruneStaging, pruneWritableLayers } from './prune.ts';
import { openStore, publish } from './store.ts';
import { temporary, temporaryStore } from './temporary.test.fixture.ts';

test('what is published is there with all its content, and nothing else is left', async () => {
  const store = await temporaryStore();
  const path = join(store.dataRoot, 'a/b');
  await publish(store, path, (staging) => writeFile(join(staging, 'file'), 'content'));
  expect(await readFile(join(path, 'file'), 'utf8')).toBe('content');
  expect(await readdir(join(store.dataRoot, 'staging'))).toEqual([]);
});

test('nobody but its owner reaches into the store', async () => {
  const store = await temporaryStore();
  const path = join(store.dataRoot, 'a/b');
  await publish(store, path, (staging) => writeFile(join(staging, 'file'), ''));
  for (const directory of [store.dataRoot, join(store.dataRoot, 'a'), path]) {
    expect((await stat(directory)).mode & 0o777, directory).toBe(0o700);
  }
});

test('a failure leaves neither the directory nor staging, and the next attempt works', async () => {
  const store = await temporaryStore();
  const path = join(store.dataRoot, 'a');
  const failing = publish(store, path, async (staging) => {
    await writeFile(join(staging, 'half'), '');
    throw new Error('no more');
  });
  await expect(failing).rejects.toThrow('no more');
  await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readdir(join(store.dataRoot, 'staging'))).toEqual([]);
  await publish(store, path, (staging) => writeFile(join(staging, 'whole'), ''));
  expect(await readdir(path)).toEqual(['whole']);
});

test('an abort comes out as it went in', async () => {
  const store = await temporaryStore();
  const reason = new DOMException('stop', 'AbortError');
  const aborted = publish(store, join(store.dataRoot, 'a'), () => Promise.reject(reason));
  await expect(aborted).rejects.toBe(reason);
});

test('a directory is made once by those who want it at the same time', async () => {
  const store = await temporaryStore();
  const path = join(store.dataRoot, 'a');
  let made = 0;
  const want = () =>
    publish(store, path, async (staging) => {
      made += 1;
      await writeFile(join(staging, 'file'), '');
    });
  await Promise.all(Array.from({ length: 10 }, want));
  expect(made).toBe(1);
});

test('who waits for one that fails makes it himself', async () => {
  const store = await temporaryStore();
  const path = join(store.dataRoot, 'a');
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  const first = publish(store, path, async () => {
    begun.resolve();
    await end.promise;
    throw new Error('first');
  });
  // Of two that look at the same time either may be the first.
  await begun.promise;
  const second = publish(store, path, (staging) => writeFile(join(staging, 'second'), ''));
  await new Promise((resolve) => setTimeout(resolve, 20));
  end.resolve();
  await expect(first).rejects.toThrow('first');
  await second;
  expect(await readdir(path)).toEqual(['second']);
});

test('who comes second takes what another process published meanwhile', async () => {
  const store = await temporaryStore();
  const path = join(store.dataRoot, 'a');
  await publish(store, path, async () => {
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'other'), '');
  });
  expect(await readdir(path)).toEqual(['other']);
  expect(await readdir(join(store.dataRoot, 'staging'))).toEqual([]);
});

test.each([
  ['below a file', 'FILE_NOT_FOUND', async (at: string) => writeFile(at, '')],
  ['below /proc', 'FILE_NOT_FOUND', undefined],
])('a data root %s is refused with a code', async (_, code, make) => {
  const at = make === undefined ? '/proc/none' : join(await temporary(), 'file');
  await make?.(at);
  const opened = openStore(join(at, 'data'), async () => {});
  await expect(opened).rejects.toMatchObject({ code, hint: expect.any(String) });
});

test('staging of a dead process is pruned, of a living one it is kept', async () => {
  const store = await temporaryStore();
  const child = spawn('true');
  await once(child, 'exit');
  const [namespace] = (await processName()).split('-');
  const ours = `${await processName()}-aaaa`;
  const dead = `${namespace}-${child.pid}-123-bbbb`;
  const reused = `${namespace}-${process.pid}-1-cccc`;
  const foreign = `1-${child.pid}-123-dddd`;
  for (const name of [ours, dead, reused, foreign]) {
    await mkdir(join(store.dataRoot, 'staging', name, 'diff'), { recursive: true });
  }
  expect((await pruneStaging(store)).toSorted()).toEqual([dead, reused].toSorted());
  const left = await readdir(join(store.dataRoot, 'staging'));
  expect(left.toSorted()).toEqual([ours, foreign].toSorted());
});

test('skeletons of earlier boots are pruned', async () => {
  const store = await temporaryStore();
  const current = `${await bootId()}-1`;
  for (const name of [current, 'deadbeef-1']) {
    await mkdir(join(store.dataRoot, 'host', name, 'rootfs'), { recursive: true });
  }
  expect(await pruneSkeletons(store)).toEqual(['deadbeef-1']);
  expect(await readdir(join(store.dataRoot, 'host'))).toEqual([current]);
});

test('writable layers without a container are pruned, also one made while we look is kept', async () => {
  const store = await temporaryStore();
  const layer = (name: string) =>
    mkdir(join(store.dataRoot, 'containers', name), { recursive: true });
  await layer('live');
  await layer('gone');
  const removed = await pruneWritableLayers(store, async () => {
    await layer('new');
    return ['live'];
  });
  expect(removed).toEqual(['gone']);
  expect((await readdir(join(store.dataRoot, 'containers'))).toSorted()).toEqual(['live', 'new']);
});

test('an empty store has nothing to prune', async () => {
  const store = await temporaryStore();
  expect(await pruneStaging(store)).toEqual([]);
  expect(await pruneSkeletons(store)).toEqual([]);
  expect(await pruneWritableLayers(store, () => [])).toEqual([]);
});
