/** Pulling from a real registry: manifests, logins, platforms, TLS, full disks and kills. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { root as repository, repositoryNode } from '@ctr-ts/dev/repository';
import { findImage, pruneStaging, pruneUnused, pullImage, type Store } from '@ctr-ts/image';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { must, start } from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { makeOddImage } from './support/odd-image.ts';
import { startRegistry, type TestRegistry } from './support/registry.ts';
import { core, emptyStore, lowerOf, optionsFor, referenceOf } from './support/store.ts';
import { expectSameTree, listOverlay, listUnpackedByUmoci } from './support/tree.ts';

const account = { username: 'ann', password: 'secret:with a colon' };
const credentials = async () => account;
const directory = mkdtempSync('/var/tmp/e2e-registry-');

let layout: string;
let plain: TestRegistry;
let locked: TestRegistry;
let encrypted: TestRegistry;
let before: Machine;

beforeAll(async () => {
  const started = await Promise.all([
    startRegistry(),
    startRegistry({ account }),
    startRegistry({ tls: true }),
  ]);
  for (const registry of started) if (typeof registry === 'string') throw new Error(registry);
  [plain, locked, encrypted] = started as [TestRegistry, TestRegistry, TestRegistry];
  layout = await makeOddImage(directory);
  // Our own launcher is nobody's leak.
  await core.ready();
  before = snapshot();
}, 120_000);

afterAll(async () => {
  await Promise.all([plain, locked, encrypted].map((registry) => registry?.stop()));
  rmSync(directory, { recursive: true });
});

test('docker manifests are pulled like OCI ones', async () => {
  const name = await plain.push(`oci:${layout}:latest`, 'team/odd:docker', 'v2s2');
  const options = optionsFor(await emptyStore(directory));
  await pullImage(referenceOf(name), options);
  const found = await listOverlay(await lowerOf(referenceOf(name), options), { userxattr: false });
  expectSameTree(found, await listUnpackedByUmoci(`${layout}:latest`, directory));
});

test('without the credentials, or with wrong ones, there is a coded error and an empty store', async () => {
  await locked.push(`oci:${layout}:latest`, 'team/secret:1');
  const reference = referenceOf(`${locked.host}/team/secret:1`);
  const options = optionsFor(await emptyStore(directory));
  for (const source of [undefined, async () => ({ ...account, password: 'wrong' })]) {
    const refused = pullImage(reference, { ...options, credentials: source });
    await expect(refused).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      hint: expect.stringMatching(/log in/),
    });
  }
  expect(await filesBelow(options.store)).toEqual([]);
  await pullImage(reference, { ...options, credentials });
});

test('what anybody may pull needs no credentials', async () => {
  const name = await locked.push(`oci:${layout}:latest`, 'public/odd:1');
  await pullImage(referenceOf(name), optionsFor(await emptyStore(directory)));
});

test('a tag or repository that is not there is not found', async () => {
  const options = optionsFor(await emptyStore(directory));
  for (const name of ['team/odd:none', 'team/none']) {
    const refused = pullImage(referenceOf(`${plain.host}/${name}`), options);
    await expect(refused, name).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  }
});

test('an index of a registry leads to each of its platforms', async () => {
  const entries = [];
  for (const [architecture, variant] of [['amd64'], ['arm64', 'v8'], ['arm', 'v7']] as const) {
    const tag = `${layout}:${architecture}`;
    const words = ['config', '--image', `${layout}:latest`, '--tag', architecture];
    await must('umoci', [...words, '--architecture', architecture]);
    await must('chmod', ['-R', 'a+rX', layout]);
    await plain.push(`oci:${tag}`, `team/multi:${architecture}`);
    const url = `http://${plain.host}/v2/team/multi/manifests/${architecture}`;
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const response = await fetch(url, { headers: { accept: mediaType } });
    const platform = { os: 'linux', architecture, ...(variant ? { variant } : {}) };
    const digest = response.headers.get('docker-content-digest');
    entries.push({ mediaType, digest, size: (await response.bytes()).length, platform });
  }
  const index = 'application/vnd.oci.image.index.v1+json';
  const put = await fetch(`http://${plain.host}/v2/team/multi/manifests/all`, {
    method: 'PUT',
    headers: { 'content-type': index },
    body: JSON.stringify({ schemaVersion: 2, mediaType: index, manifests: entries }),
  });
  expect(put.status).toBe(201);
  const reference = referenceOf(`${plain.host}/team/multi:all`);
  const options = optionsFor(await emptyStore(directory));
  for (const { platform, digest } of entries) {
    const { image } = await pullImage(reference, { ...options, platform });
    expect(image.manifest).toBe(digest);
    expect(await findImage(options.store, reference, platform)).toBeDefined();
  }
  const missing = pullImage(reference, {
    ...options,
    platform: { os: 'linux', architecture: 's390x' },
  });
  await expect(missing).rejects.toMatchObject({
    code: 'PLATFORM_NOT_FOUND',
    hint: 'there is linux/amd64, linux/arm64/v8, linux/arm/v7',
  });
});

test('on this machine TLS is used where there is TLS, and its certificate must be trusted', async () => {
  const name = await encrypted.push(`oci:${layout}:latest`, 'team/odd:1');
  const options = optionsFor(await emptyStore(directory));
  await expect(pullImage(referenceOf(name), options)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('certificate'),
    hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  });
  const puller = startPuller(name, options.store, { NODE_EXTRA_CA_CERTS: encrypted.certificate });
  await puller.until(/^pulled/);
  puller.killGroup();
  await puller.ended;
});

test('a disk that is full is said to be, and keeps nothing of the pull', async () => {
  const name = await plain.push(`oci:${layout}:latest`, 'team/odd:big');
  const { store } = optionsFor(await emptyStore(directory));
  const listing = `find "$0" -type f ! -name oci-layout`;
  const shell = `mount -t tmpfs -o size=700k tmpfs "$0" && "$@"; ${listing}`;
  const words = ['--mount', 'sh', '-c', shell, store.dataRoot, ...pullerCommand(name, store)];
  const ended = await start('unshare', words, { cwd: repository }).ended;
  expect(ended.stderr).toContain("code: 'DISK_FULL'");
  expect(ended.stdout).toBe('');
});

/** A process that pulls and removes an image for ever. */
function startPuller(name: string, store: Store, env: NodeJS.ProcessEnv = {}) {
  const [node = '', ...words] = pullerCommand(name, store);
  return start(node, words, {
    cwd: repository,
    env: { ...process.env, ...env },
    timeoutMs: 60_000,
  });
}

function pullerCommand(name: string, { dataRoot }: Store): string[] {
  const source = `
    import { openStore, parseReference, pullImage, removeImages } from '@ctr-ts/image';
    import { client } from '@ctr-ts/native';
    const core = client({ runRoot: '/run/ctr-ts' });
    const store = await openStore('${dataRoot}', (path) => core.removeTree(path));
    const applyLayer = (blob, path, how) => core.applyLayer(blob, path, how);
    for (;;) {
      await pullImage(parseReference('${name}'), { store, applyLayer, rootless: false, singleId: false });
      console.log('pulled');
      await removeImages(store, ['${name}'], { layersInUse: new Set(), imagesInUse: new Set() });
    }
  `;
  return [repositoryNode(), '--input-type=module', '--eval', source];
}

test('a pull or removal that is killed at any moment leaves a store that works', {
  timeout: 240_000,
}, async () => {
  const name = await plain.push(`oci:${layout}:latest`, 'team/killed:1');
  const expected = await listUnpackedByUmoci(`${layout}:latest`, directory);
  const options = optionsFor(await emptyStore(directory));
  const reference = referenceOf(name);
  for (let round = 0; round < 30; round += 1) {
    const puller = startPuller(name, options.store);
    await puller.until(/pulled/);
    await sleep(Math.random() * 60);
    puller.killGroup();
    await puller.ended;
    // What there is, is whole.
    if (round % 5 === 0 || (await findImage(options.store, reference)) !== undefined) {
      await pullImage(reference, options);
      const lower = await lowerOf(reference, options);
      expectSameTree(await listOverlay(lower, { userxattr: false }), expected);
    }
  }
  await pruneStaging(options.store);
  expect(readdirSync(join(options.store.dataRoot, 'staging'))).toEqual([]);
  await pullImage(reference, options);
  await pruneUnused(options.store, new Set());
  expect(await findImage(options.store, reference)).toBeDefined();
  expect(await leftSince(before)).toEqual([]);
});

async function filesBelow({ dataRoot }: Store): Promise<string[]> {
  const entries = readdirSync(dataRoot, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}
