/** Images of a registry: policies, credentials, wrong names, no network, other platforms, and the SDK. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { paths } from '@ctr-ts/dev/repository';
import { Container, Image, prune, run } from '@ctr-ts/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { type AppImages, appImages, mustStart, packMadeFor } from './support/app-image.ts';
import { ctr, execute, must, startCtr } from './support/command.ts';

let images: AppImages;
let directory: string;
let registry: AppImages['registry'];
let app: string;
let layouts: AppImages['layouts'];
beforeAll(async () => {
  images = await appImages();
  ({ directory, registry, app, layouts } = images);
}, 120_000);
afterAll(() => images?.close());

test('the policy decides when a tag that moved is followed', async () => {
  const image = await registry.push(layouts.plain, 'moving:latest');
  const read = async (...flags: string[]) =>
    (await ctr(['run', '--rm', '-q', ...flags, image, 'cat', '/etc/made-for'])).stdout;
  expect(await read()).toBe('images test\n');
  const layout = join(directory, 'moved');
  await packMadeFor(layout, 'moved\n');
  await registry.push(`oci:${layout}:latest`, 'moving:latest');
  expect(await read()).toBe('images test\n');
  expect(await read('--pull', 'missing')).toBe('images test\n');
  expect(await read('--pull', 'always')).toBe('moved\n');
  expect(await read('--pull', 'never')).toBe('moved\n');
  // What the tag named before has lost its name, and is removed by its id.
  const ids = (await ctr(['images', '-q', image])).stdout.trim().split('\n');
  for (const id of ids) expect((await ctr(['rmi', '-f', id])).exitCode).toBe(0);
});

test('a plan asks no registry', async () => {
  const image = `${registry.host}/plain:1`;
  const missing = await ctr(['explain', '--plan', image, 'sh']);
  expect(missing.stderr).toMatch(/\[IMAGE_NOT_FOUND\]/);
  await ctr(['pull', '-q', image]);
  expect((await ctr(['explain', '--plan', image, 'sh'])).stdout).toContain('overlay');
  const [inspected] = JSON.parse((await ctr(['inspect', image])).stdout);
  expect(inspected).toMatchObject({ names: [image], config: { command: ['/bin/sh'] } });
  const other = await ctr(['inspect', '--type', 'container', image]);
  expect(other.stderr).toMatch(/\[CONTAINER_NOT_FOUND\]/);
  await ctr(['rmi', image]);
});

test('--json prints one document, and progress stays on stderr', async () => {
  const image = `${registry.host}/plain:1`;
  const pulled = await ctr(['pull', '--json', image]);
  const result = JSON.parse(pulled.stdout);
  expect(result).toMatchObject({ reference: image, name: image, upToDate: false });
  expect(result.image.id).toMatch(/^sha256:/);
  expect(pulled.stderr).toContain('1: Pulling from plain');
  const [removed, missing] = JSON.parse((await ctr(['rmi', '--json', image, 'e2e-no'])).stdout);
  expect(removed).toMatchObject({ name: image, ok: true, untagged: [image] });
  expect(removed.deleted.length).toBeGreaterThan(0);
  expect(missing).toMatchObject({ ok: false, error: { code: 'IMAGE_NOT_FOUND' } });
  const wrong = await ctr(['pull', '--json', `${registry.host}/nowhere`]);
  expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'IMAGE_NOT_FOUND' } });
  expect(wrong).toMatchObject({ exitCode: 125, stderr: '' });
});

test.each([
  { title: 'an image that is missing', image: 'nowhere:1', code: 'IMAGE_NOT_FOUND' },
  { title: 'a tag that is missing', image: 'plain:2', code: 'IMAGE_NOT_FOUND' },
  {
    title: 'a digest that is missing',
    image: `plain@sha256:${'0'.repeat(64)}`,
    code: 'IMAGE_NOT_FOUND',
  },
  { title: 'a name that is none', image: 'Plain', code: 'INVALID_REFERENCE' },
  { title: 'a tag that is none', image: 'plain:a b', code: 'INVALID_REFERENCE' },
])('$title is one line, its code and what to do', async ({ image, code }) => {
  for (const verb of [
    ['pull', '-q'],
    ['run', '--rm', '-q'],
  ]) {
    const ended = await ctr([...verb, `${registry.host}/${image}`]);
    expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^ctr-ts: .* \\[${code}\\]\n {2}next: \\S.*\n$`));
  }
});

test('a private image is pulled with the password that docker login wrote down', async () => {
  const account = { username: 'me', password: 'se:cret' };
  const guarded = await mustStart({ account });
  try {
    const image = await guarded.push(layouts.plain, 'private/app:1');
    const open = await guarded.push(layouts.plain, 'public/app:1');
    const folder = join(directory, 'docker');
    mkdirSync(folder, { recursive: true });
    const login = (password: string) => {
      const auth = Buffer.from(`${account.username}:${password}`).toString('base64');
      const config = { auths: { [guarded.host]: { auth } } };
      writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    };
    const env = { ...process.env, DOCKER_CONFIG: folder };
    expect(await ctr(['pull', '-q', open])).toMatchObject({ exitCode: 0 });
    for (const attempt of [() => ctr(['pull', image]), () => ctr(['pull', image], { env })]) {
      login('wrong');
      const ended = await attempt();
      expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
      expect(ended.stderr).toMatch(/\[REGISTRY_UNAUTHORIZED\]\n {2}next: \S/);
    }
    login(account.password);
    const ended = await ctr(['run', '--rm', '-q', image, 'cat', '/etc/made-for'], { env });
    expect(ended).toMatchObject({ stdout: 'images test\n', stderr: '' });
    await ctr(['rmi', image, open]);
  } finally {
    await guarded.stop();
  }
});

test('without a network run says so at once and names host:', async () => {
  const words = ['--net', paths.launcher, 'run', '--rm', 'alpine', 'true'];
  const ended = await execute('unshare', words);
  expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
  const lines = ended.stderr.trimEnd().split('\n');
  expect(lines.at(-2)).toMatch(/^ctr-ts: .*docker\.io.* \[REGISTRY_UNREACHABLE\]$/);
  expect(lines.at(-1)).toMatch(/^ {2}next: .*host:/);
  expect(ended.durationMs).toBeLessThan(10_000);
});

test('whoever starts at the same time gets the same image', async () => {
  const image = `${app}:1`;
  const words = ['run', '--rm', '-q', image];
  const all = await Promise.all(Array.from({ length: 4 }, (_, n) => ctr([...words, `${n}`])));
  expect(all.map(({ stdout, stderr }) => stdout + stderr)).toEqual(
    Array.from({ length: 4 }, (_, n) => `entry ${n}\n`),
  );
  expect((await ctr(['rmi', image])).exitCode).toBe(0);
});

test('on a terminal progress is drawn in place, and colours nothing', async () => {
  const image = `${app}:1`;
  const typescript = join(directory, 'typescript');
  for (const last of ['Downloaded newer image for', 'Image is up to date for']) {
    const line = `${paths.launcher} pull ${image}`;
    const shown = await must('script', ['-qec', line, typescript], {
      env: { ...process.env, TERM: 'xterm', NO_COLOR: '1' },
    });
    // Up, and clear to the end of the line or the screen: nothing that would have to be undone.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads control characters
    expect(shown.replace(/\u001b\[(\d+A|K|J)/g, '')).not.toMatch(/\u001b/);
    expect(shown.trimEnd().split('\r\n').slice(-2)).toEqual([`Status: ${last} ${image}`, image]);
  }
  const dumb = await must('script', ['-qec', `${paths.launcher} pull ${image}`, typescript], {
    env: { ...process.env, TERM: 'dumb' },
  });
  expect(dumb).not.toContain('\u001b');
  await ctr(['rmi', image]);
});

test("the SDK pulls, lists, runs and removes, in a store of the caller's", async () => {
  const engine = { dataRoot: join(directory, 'sdk-data'), runRoot: join(directory, 'sdk-run') };
  const reference = `${app}:1`;
  const types: string[] = [];
  for await (const event of Image.pull(reference, { engine })) {
    if (types.at(-1) !== event.type) types.push(event.type);
  }
  expect(types).toEqual(['pulling', 'manifest', 'layer', 'pulled']);
  const { upToDate, image } = await Image.pull(reference, { engine });
  expect(upToDate).toBe(true);
  expect(await Image.list({ engine })).toEqual([{ ...image, pulledAt: expect.any(String) }]);
  expect((await Image.get(image.id.slice(7, 19), engine)).config.user).toBe('user');
  // By id, as in docker, and without a pull.
  const events: string[] = [];
  const onPull = ({ type }: { type: string }) => void events.push(type);
  const byId = { image: image.id.slice(7, 19), command: ['x'], engine, onPull };
  expect((await run(byId).orThrow()).stdout).toBe('entry x\n');
  {
    await using container = await Container.create({ ...byId, command: undefined });
    expect(await container.inspect()).toMatchObject({ image: reference, imageId: image.id });
  }
  expect(events).toEqual([]);
  const orphan = `sha256:${'e'.repeat(64)}`;
  writeFileSync(join(engine.dataRoot, 'blobs/sha256', 'e'.repeat(64)), 'of a pull that was killed');
  expect((await prune(engine)).blobs).toEqual([orphan]);
  const { untagged, deleted } = await Image.remove(reference, { engine });
  expect(untagged).toEqual([reference]);
  expect(deleted).toContain(image.id);
  {
    await using container = await Container.create({ image: reference, engine, onPull });
    expect(events.at(-1)).toBe('pulled');
    expect((await container.exec(['pwd'])).stdout).toBe('/tmp\n');
    expect(await container.inspect()).toMatchObject({ image: reference, imageId: image.id });
    await expect(Image.remove(reference, { engine })).rejects.toMatchObject({
      code: 'IMAGE_IN_USE',
    });
  }
  await Image.remove(reference, { engine });
  expect(await Image.list({ engine })).toEqual([]);
  await expect(Image.get(reference, engine)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
});

test('an image of another architecture is pulled, and refused where it would run', async () => {
  const foreign = process.arch === 'arm64' ? 'amd64' : 'arm64';
  const layout = `${join(directory, 'layout')}:foreign`;
  const from = `${join(directory, 'layout')}:app`;
  await must('umoci', ['config', '--image', from, '--tag', 'foreign', '--architecture', foreign]);
  const image = await registry.push(`oci:${layout}`, 'foreign:1');
  expect((await ctr(['pull', '-q', '--platform', `linux/${foreign}`, image])).exitCode).toBe(0);
  for (const flags of [
    ['--pull', 'never'],
    ['--platform', `linux/${foreign}`],
  ]) {
    const ended = await ctr(['run', '--rm', '-q', ...flags, image]);
    expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
    expect(ended.stderr).toMatch(/\[FOREIGN_PLATFORM\]\n {2}next: \S/);
  }
  const missing = await ctr(['run', '--rm', '-q', image]);
  expect(missing.stderr).toMatch(/\[(PLATFORM_NOT_FOUND|FOREIGN_PLATFORM)\]\n {2}next: \S/);
  const [stored] = JSON.parse((await ctr(['image', 'inspect', image])).stdout);
  expect(stored.platform).toBe(`linux/${foreign}`);
  await ctr(['rmi', image]);
});

test('a container that has ended holds its image until it is removed', async () => {
  const image = `${app}:1`;
  const name = 'e2e-image-ended';
  expect((await ctr(['run', '-q', '--name', name, image, 'x'])).stdout).toBe('entry x\n');
  try {
    expect((await ctr(['rmi', image])).stderr).toMatch(/\[IMAGE_IN_USE\]/);
  } finally {
    await ctr(['rm', name]);
  }
  expect((await ctr(['rmi', image])).stdout).toContain(`Untagged: ${image}\n`);
});

test('Ctrl-C gives a pull up', async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const { port } = silent.address() as AddressInfo;
  for (const verb of [['pull'], ['run', '--rm']]) {
    const started = startCtr([...verb, `127.0.0.1:${port}/never`]);
    await new Promise((resolve) => silent.once('request', resolve));
    started.child.kill('SIGINT');
    const ended = await started.ended;
    expect(ended).toMatchObject({ exitCode: 130, stdout: '' });
    expect(ended.stderr).toMatch(/ctr-ts: given up \(SIGINT\)\n$/);
    expect(ended.durationMs).toBeLessThan(10_000);
  }
  silent.closeAllConnections();
  await new Promise((resolve) => silent.close(resolve));
});
