/** Images of a real registry: what is unpacked of them is what others unpack, for every kind of user. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { root as repository, repositoryNode } from '@ctr-ts/dev/repository';
import {
  type CredentialSource,
  findImage,
  openStore,
  type PullOptions,
  parseReference,
  prepareRoot,
  pruneBlobs,
  pruneStaging,
  pullImage,
  type RegistryReference,
  type Store,
} from '@ctr-ts/image';
import { client } from '@ctr-ts/native';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { must, start } from './support/command.ts';
import { busybox, debian, pack } from './support/images.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { startRegistry, type TestRegistry } from './support/registry.ts';
import { listOverlay, listUnpackedByUmoci, type TreeEntry } from './support/tree.ts';
import { productOf, type UserProduct, userKinds } from './support/user.ts';

const account = { username: 'ann', password: 'secret:with a colon' };
const credentials: CredentialSource = async () => account;
/** World-readable, so that the layouts are; not in anybody's home. */
const directory = mkdtempSync('/var/tmp/e2e-registry-');
chmodSync(directory, 0o755);
const layout = join(directory, 'odd');

const core = client({ runRoot: '/run/ctr-ts' });
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
  await makeOddImage();
  // Our own launcher is nobody's leak.
  await core.ready();
  before = snapshot();
}, 120_000);

afterAll(async () => {
  await Promise.all([plain, locked, encrypted].map((registry) => registry?.stop()));
  rmSync(directory, { recursive: true });
});

/** Everything a layer can say about files, in three layers with whiteouts between them. */
async function makeOddImage(): Promise<void> {
  const rootfs = busybox(join(directory));
  if (rootfs === undefined) throw new Error('busybox-static is not installed');
  const script = `
    set -e
    mkdir -p bin etc opaque/sub deep/er sticky empty
    echo one > opaque/sub/old; echo two > opaque/gone; echo three > etc/removed
    cp bin/busybox bin/setuid; chmod 4755 bin/setuid
    cp bin/busybox bin/caps; setcap cap_net_bind_service+ep bin/caps
    chmod 2775 deep; chmod 1777 sticky tmp; chmod 0700 root; chmod 000 etc/group
    chown 1000:1000 deep; chown 65534:65534 deep/er; chown 33:0 empty
    ln bin/setuid deep/hard; ln -s ../../../etc/passwd deep/link; ln -s /absolute deep/absolute
    chown -h 12:34 deep/link
    mkfifo deep/fifo
    printf 'weird' > 'deep/name with space'; printf x > "deep/$(printf 'n\\303\\244me')"
    python3 -c 'import os; os.setxattr("deep/er", "user.note", b"\\0binary"); os.setxattr("bin/setuid", "user.x", b"y")'
    touch -d '1999-12-31 23:59:58' deep/er etc/passwd; touch -hd '2001-02-03 04:05:06' deep/link
    touch -d '2010-01-01' deep
  `;
  await must('sh', ['-c', script], { cwd: rootfs });
  await pack(rootfs, layout);
  const image = `${layout}:latest`;
  const second = join(directory, 'second');
  mkdirSync(join(second, 'opaque'), { recursive: true });
  writeFileSync(join(second, 'opaque/new'), 'new\n');
  await must('umoci', ['insert', '--image', image, '--opaque', join(second, 'opaque'), '/opaque']);
  // A layer of one file, whose archive ends with the last byte of that.
  await must('umoci', ['insert', '--image', image, join(second, 'opaque/new'), '/etc/late']);
  // What a build changes: removed, replaced, made anew, and other in its attributes only.
  const bundle = join(directory, 'bundle');
  await must('umoci', ['unpack', '--image', image, bundle]);
  const change = `
    set -e
    rm etc/removed; rm -r deep/er; echo file > deep/er; rm deep/absolute; mkdir deep/absolute
    echo inner > deep/absolute/inner; chmod 0600 etc/passwd; chown 7:8 etc/passwd
    touch -d '2020-02-20' etc deep; mkdir -p made/anew; chmod 0711 made
  `;
  await must('sh', ['-c', change], { cwd: join(bundle, 'rootfs') });
  await must('umoci', ['repack', '--image', image, bundle]);
  await must('rm', ['-rf', bundle]);
  await must('chmod', ['-R', 'a+rX', layout]);
}

let made = 0;
async function emptyStore(): Promise<Store> {
  made += 1;
  return openStore(join(directory, `data-${made}`), (path) => core.removeTree(path));
}

function optionsFor(store: Store): PullOptions {
  return {
    store,
    applyLayer: (blob, path, how) => core.applyLayer(blob, path, how),
    rootless: false,
    singleId: false,
  };
}

const referenceOf = (text: string) => parseReference(text) as RegistryReference;

async function lowerOf(reference: RegistryReference, options: PullOptions): Promise<string[]> {
  const upper = { kind: 'tmpfs', sizeBytes: null } as const;
  const { root, release } = await prepareRoot(reference, { ...options, upper, node: false });
  await release();
  return root.kind === 'overlay' ? root.lower : [];
}

const images: { title: string; layoutOf: () => Promise<string> }[] = [
  { title: 'a busybox with odd files', layoutOf: async () => layout },
  {
    title: 'a Debian',
    layoutOf: async () => {
      const image = await debian();
      if (typeof image === 'string') throw new Error(image);
      return image.layout;
    },
  },
];

describe.each(images)('$title', ({ layoutOf, title }) => {
  const name = title.includes('Debian') ? 'team/debian:12' : 'team/odd:1';
  let expected: TreeEntry[];
  let source: string;
  beforeAll(async () => {
    source = `${await layoutOf()}:latest`;
    expected = await listUnpackedByUmoci(source, directory);
    for (const registry of [plain, locked]) await registry.push(`oci:${source}`, name);
  }, 600_000);

  test.each(['plain', 'locked'] as const)(
    'from a %s registry is what umoci unpacks',
    { timeout: 180_000 },
    async (kind) => {
      const registry = kind === 'plain' ? plain : locked;
      const options = optionsFor(await emptyStore());
      const reference = referenceOf(`${registry.host}/${name}`);
      const pulled = await pullImage(reference, { ...options, credentials });
      expect(pulled).toMatchObject({ upToDate: false, image: { platform: { os: 'linux' } } });
      const found = await listOverlay(await lowerOf(reference, options), { userxattr: false });
      expectSame(found, expected);
      await options.store.removeTree(options.store.dataRoot);
    },
  );

  test.each(userKinds)(
    'for a user $kind is the same with the ids that user has',
    { timeout: 300_000 },
    async ({ name: user }) => {
      const product = await productOf(user);
      if (product === undefined) throw new Error(`no user ${user}: run npm test once as root`);
      const { lower, ids } = await pullAs(product, `${locked.host}/${name}`);
      const found = await listOverlay(lower, { userxattr: true });
      expectSame(found.map(mapped(ids)), forUser(expected, ids));
      expect(await leftSince(before)).toEqual([]);
    },
  );
});

/** Lines of an id map, first ids inside and outside. */
type IdMap = { containerId: number; hostId: number; size: number }[];

interface Ids {
  uid: IdMap;
  gid: IdMap;
}

/** Pulls with the packed product as a user; where the layers are, and which ids it maps. */
async function pullAs(
  product: UserProduct,
  reference: string,
): Promise<{ lower: string[]; ids: Ids }> {
  made += 1;
  const data = join(directory, `data-${made}`);
  mkdirSync(data, { mode: 0o755 });
  chownSync(data, product.user.uid, product.user.gid);
  const output = await product.script(`
    import { openStore, parseReference, prepareRoot, pullImage } from '@ctr-ts/image';
    import { client } from '@ctr-ts/native';
    const core = client({ runRoot: '${data}/run' });
    const { uidMap, gidMap } = await core.ready();
    const store = await openStore('${data}/store', (path) => core.removeTree(path));
    const reference = parseReference('${reference}');
    const options = {
      store,
      applyLayer: (blob, path, how) => core.applyLayer(blob, path, how),
      rootless: true,
      singleId: uidMap.reduce((sum, { size }) => sum + size, 0) === 1,
      credentials: async () => (${JSON.stringify(account)}),
    };
    await pullImage(reference, options);
    const upper = { kind: 'tmpfs', sizeBytes: null };
    const { root, release } = await prepareRoot(reference, { ...options, upper, node: false });
    await release();
    console.log(JSON.stringify({ lower: root.lower, ids: { uid: uidMap, gid: gidMap } }));
  `);
  return JSON.parse(output) as { lower: string[]; ids: Ids };
}

/** What of an image an ordinary user can have. */
function forUser(entries: TreeEntry[], { uid, gid }: Ids): TreeEntry[] {
  const isSingle = uid.length === 1 && uid[0]?.size === 1 && gid[0]?.size === 1;
  return (
    entries
      // Devices are not to be made in a user namespace, and of no use: each container has its own.
      .filter(({ type }) => type !== 'char' && type !== 'block')
      // Where a single id exists all is root's.
      .map((entry) => (isSingle ? { ...entry, uid: 0, gid: 0 } : entry))
      .map((entry) => ({ ...entry, xattrs: ofNamespace(entry.xattrs, uid) }))
  );
}

/** Capabilities of a file are worth something below the namespace's root only: capabilities(7). */
function ofNamespace(xattrs: Record<string, string>, uid: IdMap): Record<string, string> {
  const version2 = /^01000002(.{32})$/.exec(xattrs['security.capability'] ?? '');
  if (version2 === null) return xattrs;
  const root = Buffer.alloc(4);
  root.writeUInt32LE(uid.find(({ containerId }) => containerId === 0)?.hostId ?? 0);
  return { ...xattrs, 'security.capability': `01000003${version2[1]}${root.toString('hex')}` };
}

/** As processes of the container see it. */
function mapped({ uid, gid }: Ids): (entry: TreeEntry) => TreeEntry {
  const inside = (map: IdMap, id: number) => {
    const line = map.find(({ hostId, size }) => id >= hostId && id < hostId + size);
    return line === undefined ? -1 : line.containerId + id - line.hostId;
  };
  return (entry) => ({ ...entry, uid: inside(uid, entry.uid), gid: inside(gid, entry.gid) });
}

/** Compares path by path, so that a difference says where it is. */
function expectSame(found: TreeEntry[], expected: TreeEntry[]): void {
  // The time of the root is nobody's: the last layer need not name it.
  const by = (entries: TreeEntry[]) =>
    new Map(
      entries.map((entry) => [entry.path, entry.path === '.' ? { ...entry, mtime: 0 } : entry]),
    );
  const ours = by(found);
  const others = by(expected);
  expect([...ours.keys()].filter((path) => !others.has(path))).toEqual([]);
  expect([...others.keys()].filter((path) => !ours.has(path))).toEqual([]);
  const different = [...ours.values()].filter(
    (entry) => !isDeepStrictEqual(entry, others.get(entry.path)),
  );
  expect(different.map((entry) => [entry, others.get(entry.path)])).toEqual([]);
}

test('docker manifests are pulled like OCI ones', async () => {
  const name = await plain.push(`oci:${layout}:latest`, 'team/odd:docker', 'v2s2');
  const options = optionsFor(await emptyStore());
  await pullImage(referenceOf(name), options);
  const found = await listOverlay(await lowerOf(referenceOf(name), options), { userxattr: false });
  expectSame(found, await listUnpackedByUmoci(`${layout}:latest`, directory));
});

test('without the credentials, or with wrong ones, there is a coded error and an empty store', async () => {
  await locked.push(`oci:${layout}:latest`, 'team/secret:1');
  const reference = referenceOf(`${locked.host}/team/secret:1`);
  const options = optionsFor(await emptyStore());
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
  await pullImage(referenceOf(name), optionsFor(await emptyStore()));
});

test('a tag or repository that is not there is not found', async () => {
  const options = optionsFor(await emptyStore());
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
  const options = optionsFor(await emptyStore());
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
  const options = optionsFor(await emptyStore());
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
  const { store } = optionsFor(await emptyStore());
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
      await removeImages(store, ['${name}'], { layersInUse: new Set() });
    }
  `;
  return [repositoryNode(), '--input-type=module', '--eval', source];
}

test('a pull or removal that is killed at any moment leaves a store that works', {
  timeout: 240_000,
}, async () => {
  const name = await plain.push(`oci:${layout}:latest`, 'team/killed:1');
  const expected = await listUnpackedByUmoci(`${layout}:latest`, directory);
  const options = optionsFor(await emptyStore());
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
      expectSame(await listOverlay(lower, { userxattr: false }), expected);
    }
  }
  await pruneStaging(options.store);
  expect(readdirSync(join(options.store.dataRoot, 'staging'))).toEqual([]);
  await pullImage(reference, options);
  await pruneBlobs(options.store);
  expect(await findImage(options.store, reference)).toBeDefined();
  expect(await leftSince(before)).toEqual([]);
});

async function filesBelow({ dataRoot }: Store): Promise<string[]> {
  const entries = readdirSync(dataRoot, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
}
