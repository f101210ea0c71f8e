/** What is unpacked of an image of a registry is what others unpack, for every kind of user. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { pullImage } from '@ctr-ts/image';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { makeGrownImage, undated } from './support/grown-image.ts';
import { debian } from './support/images.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { makeOddImage } from './support/odd-image.ts';
import { startRegistry, type TestRegistry } from './support/registry.ts';
import { core, emptyStore, lowerOf, optionsFor, referenceOf } from './support/store.ts';
import {
  expectSameTree,
  listOverlay,
  listUnpackedByUmoci,
  type TreeEntry,
} from './support/tree.ts';
import { productOf, type UserProduct, userKinds } from './support/user.ts';

const account = { username: 'ann', password: 'secret:with a colon' };
const credentials = async () => account;
/** World-readable, and not in anybody's home. */
const directory = mkdtempSync('/var/tmp/e2e-trees-');
chmodSync(directory, 0o755);

let plain: TestRegistry;
let locked: TestRegistry;
let layout: string;
let before: Machine;
let made = 0;

beforeAll(async () => {
  const started = await Promise.all([startRegistry(), startRegistry({ account })]);
  for (const registry of started) if (typeof registry === 'string') throw new Error(registry);
  [plain, locked] = started as [TestRegistry, TestRegistry];
  layout = await makeOddImage(directory);
  // Our own launcher is nobody's leak.
  await core.ready();
  before = snapshot();
}, 120_000);

afterAll(async () => {
  await Promise.all([plain, locked].map((registry) => registry?.stop()));
  rmSync(directory, { recursive: true });
});

const images: { title: string; name: string; layoutOf: () => Promise<string> }[] = [
  { title: 'a busybox with odd files', name: 'team/odd:1', layoutOf: async () => layout },
  {
    title: 'a Debian',
    name: 'team/debian:12',
    layoutOf: async () => {
      const image = await debian();
      if (typeof image === 'string') throw new Error(image);
      return image.layout;
    },
  },
  {
    title: 'a Debian that grew by single files',
    name: 'team/grown:1',
    layoutOf: () => makeGrownImage(directory),
  },
];

describe.each(images)('$title', ({ name, layoutOf }) => {
  let expected: TreeEntry[];
  let source: string;
  beforeAll(async () => {
    source = `${await layoutOf()}:latest`;
    expected = dated(await listUnpackedByUmoci(source, directory));
    for (const registry of [plain, locked]) await registry.push(`oci:${source}`, name);
  }, 600_000);

  test.each(['plain', 'locked'] as const)(
    'from a %s registry is what umoci unpacks',
    { timeout: 180_000 },
    async (kind) => {
      const registry = kind === 'plain' ? plain : locked;
      const options = optionsFor(await emptyStore(directory));
      const reference = referenceOf(`${registry.host}/${name}`);
      const pulled = await pullImage(reference, { ...options, credentials });
      expect(pulled).toMatchObject({ upToDate: false, image: { platform: { os: 'linux' } } });
      const found = await listOverlay(await lowerOf(reference, options), { userxattr: false });
      expectSameTree(dated(found), expected);
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
      expectSameTree(dated(found).map(mapped(ids)), forUser(expected, ids));
      expect(await leftSince(before)).toEqual([]);
    },
  );
});

/** Without the times that are nobody's. */
function dated(entries: TreeEntry[]): TreeEntry[] {
  return entries.map((entry) => (undated.includes(entry.path) ? { ...entry, mtime: 0 } : entry));
}

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
  const data = join(directory, `user-${made}`);
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
