/** Containers of one session seen from another: one data root, two run roots. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPlatform } from '@ctr-ts/image';
import { afterAll, expect, test } from 'vitest';
import { makeImage, serveImages, writeLayout } from './image.test.fixture.ts';
import { Container, Image, prune } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-sdk-'));
const dataRoot = join(directory, 'data');
const here = { dataRoot, runRoot: join(directory, 'here') };
const elsewhere = { dataRoot, runRoot: join(directory, 'elsewhere') };
const layers = () =>
  ['root', 'user', 'squashed'].flatMap((kind) => {
    const path = join(dataRoot, 'layers', kind, 'sha256');
    return existsSync(path) ? readdirSync(path) : [];
  });

afterAll(async () => {
  for (const { id } of await Container.list({ all: true, engine: here })) {
    await (await Container.get(id, here)).remove({ force: true });
  }
  rmSync(directory, { recursive: true, force: true });
});

test('what a container uses stays, in whatever session it was started', async () => {
  const image = writeLayout(join(directory, 'layout'), makeImage('content'));
  const container = await Container.create({ image, engine: here, remove: false });
  expect(layers()).toHaveLength(1);
  const writable = () => readdirSync(join(dataRoot, 'containers'));
  expect(await prune(elsewhere)).toMatchObject({ containers: [], layers: [], unpacked: [] });
  expect(layers()).toHaveLength(1);
  expect(writable()).toEqual([container.id]);
  // Ended, its files are still those of somebody who keeps them.
  await container.kill();
  await container.wait();
  expect(await prune(elsewhere)).toMatchObject({ containers: [], layers: [], unpacked: [] });
  expect(writable()).toEqual([container.id]);
  await container.remove();
  expect(await prune(elsewhere)).toMatchObject({ unpacked: [expect.stringContaining(dataRoot)] });
  expect(layers()).toEqual([]);
});

test('an image is in use by containers of every session, one below it is not', async () => {
  const registry = await serveImages();
  const below = registry.push('below', makeImage('content'));
  const image = registry.push('image', makeImage('content', hostPlatform(), 2));
  await Image.pull(below, { engine: here });
  await using container = await Container.create({ image, engine: here });
  const refused = Image.remove(image, { engine: elsewhere });
  await expect(refused).rejects.toMatchObject({ code: 'IMAGE_IN_USE' });
  expect((await Image.remove(below, { engine: elsewhere })).untagged).toEqual([below]);
  expect(layers()).toHaveLength(2);
  await Image.remove(image, { engine: elsewhere, force: true });
  expect(layers()).toHaveLength(2);
  await container.remove({ force: true });
  expect((await prune(elsewhere)).unpacked).toHaveLength(2);
  expect(layers()).toEqual([]);
});

test('a run root that is gone keeps nothing, and one that cannot be read everything', async () => {
  const engine = { dataRoot, runRoot: join(directory, 'gone') };
  const kept = await Container.create({ image: 'host:', engine, remove: false });
  await kept.kill();
  await kept.wait();
  const containers = join(engine.runRoot, 'containers');
  execFileSync('mv', [containers, join(directory, 'saved')]);
  writeFileSync(containers, 'no directory');
  await expect(prune(elsewhere)).rejects.toMatchObject({
    code: expect.stringMatching(/IO|UNSAFE/),
  });
  expect(readdirSync(join(dataRoot, 'containers'))).toEqual([kept.id]);
  rmSync(engine.runRoot, { recursive: true });
  expect((await prune(elsewhere)).layers).toEqual([join(dataRoot, 'containers', kept.id)]);
  expect(existsSync(engine.runRoot)).toBe(false);
});
