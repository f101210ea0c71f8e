import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseReference } from './reference.ts';
import { type PrepareOptions, prepareRoot } from './root.ts';
import { temporary, temporaryStore } from './temporary.test.fixture.ts';

async function prepareOptions(more: Partial<PrepareOptions> = {}): Promise<PrepareOptions> {
  return {
    store: await temporaryStore(),
    applyLayer: async () => expect.fail('nothing is to be unpacked'),
    rootless: false,
    singleId: false,
    upper: { kind: 'tmpfs', sizeBytes: null },
    node: true,
    ...more,
  };
}

test('a directory is bound by its real path', async () => {
  const directory = await temporary();
  await symlink('.', join(directory, 'link'));
  const reference = parseReference(`rootfs:${join(directory, 'link/link')}`);
  const { root, mounts } = await prepareRoot(reference, await prepareOptions());
  expect(root).toEqual({ kind: 'bind', path: directory });
  expect(mounts).toEqual([]);
});

test('a directory that is missing, or a file, is refused', async () => {
  const directory = await temporary();
  await writeFile(join(directory, 'file'), '');
  for (const name of ['none', 'file', 'file/below']) {
    const refused = prepareRoot(
      parseReference(`rootfs:${join(directory, name)}`),
      await prepareOptions(),
    );
    await expect(refused, name).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
      hint: expect.any(String),
    });
  }
});

test('the host is an overlay of a skeleton, with Node in front of PATH', async () => {
  const options = await prepareOptions({ rootless: true });
  const { root, pathAdditions, mounts } = await prepareRoot(parseReference('host:'), options);
  expect(root).toMatchObject({ kind: 'overlay', userxattr: true, upper: { kind: 'tmpfs' } });
  expect(pathAdditions).toEqual(['/opt/node/bin']);
  expect(mounts.map(({ destination }) => destination)).toContain('/opt/node/bin/node');
  const without = await prepareRoot(parseReference('host:'), { ...options, node: false });
  expect(without.pathAdditions).toEqual([]);
});
