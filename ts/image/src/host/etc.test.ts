import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporary } from '../temporary.test.fixture.ts';
import { ALLOWED_ETC } from './allow-list.ts';
import { copyEtc, fingerprint } from './etc.ts';

/** An /etc of our own. */
async function makeEtc(): Promise<{ etc: string; to: string }> {
  const directory = await temporary();
  const etc = join(directory, 'etc');
  const to = join(directory, 'copy');
  for (const path of [etc, to, join(etc, 'profile.d'), join(etc, 'ssl/private')]) {
    await mkdir(path, { recursive: true });
  }
  await writeFile(join(etc, 'passwd'), 'root:x:0:0::/root:/bin/sh\n');
  await writeFile(join(etc, 'profile.d/a.sh'), 'A=1\n');
  return { etc, to };
}

test('each entry of the list says why it is there, once', () => {
  const paths = ALLOWED_ETC.map(({ path }) => path);
  expect(paths).toEqual([...new Set(paths)].toSorted());
  for (const { path, reason } of ALLOWED_ETC) {
    expect(reason.length, path).toBeGreaterThan(5);
    expect(path).not.toMatch(
      /shadow|private|sudoers|npmrc|pip\.conf|gitconfig|ssh|machine-id|environment/,
    );
  }
});

test('what is listed is copied, and nothing else', async () => {
  const { etc, to } = await makeEtc();
  for (const name of ['shadow', 'npmrc', 'machine-id', 'passwd-', 'python3-fake', 'environment']) {
    await writeFile(join(etc, name), 'secret');
  }
  await writeFile(join(etc, 'ssl/private/key.pem'), 'secret');
  await writeFile(join(etc, 'ssl/openssl.cnf'), 'config');
  await copyEtc(etc, to);
  expect((await readdir(to)).toSorted()).toEqual(['passwd', 'profile.d', 'python3-fake', 'ssl']);
  expect(await readdir(join(to, 'ssl'))).toEqual(['openssl.cnf']);
  expect(await readFile(join(to, 'profile.d/a.sh'), 'utf8')).toBe('A=1\n');
});

test('private files and directories stay out even when root makes the copy', async () => {
  const { etc, to } = await makeEtc();
  await writeFile(join(etc, 'profile.d/token.sh'), 'secret');
  await chmod(join(etc, 'profile.d/token.sh'), 0o640);
  await mkdir(join(etc, 'fonts'));
  await writeFile(join(etc, 'fonts/inside'), 'secret');
  await chmod(join(etc, 'fonts'), 0o700);
  await copyEtc(etc, to);
  expect(await readdir(join(to, 'profile.d'))).toEqual(['a.sh']);
  expect(await readdir(to)).not.toContain('fonts');
});

test('links are kept where what they mean is shown, and lead nowhere else', async () => {
  const { etc, to } = await makeEtc();
  await mkdir(join(etc, 'alternatives'));
  await mkdir(join(etc, 'authselect'));
  await writeFile(join(etc, 'authselect/nsswitch.conf'), 'hosts: files\n');
  await writeFile(join(etc, 'ssl/private/key.pem'), 'secret');
  await chmod(join(etc, 'ssl/private'), 0o700);
  await writeFile(join(etc, '../outside'), 'secret');
  await symlink('/usr/bin/env', join(etc, 'alternatives/env'));
  await symlink('../profile.d/a.sh', join(etc, 'alternatives/a'));
  await symlink('../ssl/private/key.pem', join(etc, 'alternatives/key'));
  await symlink('/usr/share/none', join(etc, 'alternatives/dangling'));
  await symlink('authselect/nsswitch.conf', join(etc, 'nsswitch.conf'));
  await symlink('ssl/private/key.pem', join(etc, 'magic'));
  await symlink('../outside', join(etc, 'services'));
  await copyEtc(etc, to);
  expect((await readdir(join(to, 'alternatives'))).toSorted()).toEqual(['a', 'env']);
  expect(await readlink(join(to, 'alternatives/env'))).toBe('/usr/bin/env');
  expect(await readFile(join(to, 'nsswitch.conf'), 'utf8')).toBe('hosts: files\n');
  expect(await readdir(to)).not.toContain('magic');
  expect(await readdir(to)).not.toContain('services');
});

test('a copy is readable by all whatever the umask', async () => {
  const { etc, to } = await makeEtc();
  const umask = process.umask(0o077);
  try {
    await copyEtc(etc, to);
  } finally {
    process.umask(umask);
  }
  expect((await stat(join(to, 'profile.d'))).mode & 0o777).toBe(0o755);
  expect((await stat(join(to, 'profile.d/a.sh'))).mode & 0o777).toBe(0o644);
});

test('the fingerprint changes with what a copy would show, and with nothing else', async () => {
  const { etc } = await makeEtc();
  await writeFile(join(etc, 'unlisted'), '1');
  const seen = [fingerprint(etc)];
  await appendFile(join(etc, 'unlisted'), '2');
  expect(fingerprint(etc)).toBe(seen[0]);
  const changes = [
    () => appendFile(join(etc, 'passwd'), 'x:x:1:1::/:/bin/sh\n'),
    () => appendFile(join(etc, 'profile.d/a.sh'), 'B=2\n'),
    () => chmod(join(etc, 'profile.d/a.sh'), 0o600),
    () => symlink('a.sh', join(etc, 'profile.d/b.sh')),
    () => writeFile(join(etc, 'timezone'), 'UTC\n'),
    () => symlink('/usr/share/zoneinfo/UTC', join(etc, 'localtime')),
  ];
  for (const change of changes) {
    await change();
    const now = fingerprint(etc);
    expect(seen).not.toContain(now);
    seen.push(now);
  }
});
