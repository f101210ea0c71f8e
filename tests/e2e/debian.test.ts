/** A real Debian, as a directory and as an OCI layout made by others, as root and as ordinary users. */
import { chownSync, mkdtempSync, rmSync } from 'node:fs';

import { spawnOptionsOf, type TestUser } from '@ctr-ts/dev/test-users';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { ctr, type Ended } from './support/command.ts';
import { type Debian, debian, ownedBy } from './support/images.ts';
import { leftSince, snapshot } from './support/machine.ts';
import { productOf, userKinds } from './support/user.ts';

interface Caller {
  run(args: readonly string[]): Promise<Ended>;
  /** Undefined: root. */
  user?: TestUser;
}

const timeoutMs = 100_000;
const callers: { caller: string; prepare: () => Promise<Caller | undefined> }[] = [
  { caller: 'root', prepare: async () => ({ run: (args) => ctr(args, { timeoutMs }) }) },
  ...userKinds.map(({ kind, name }) => ({
    caller: `a user ${kind}`,
    prepare: async () => {
      const product = await productOf(name);
      if (product === undefined) return undefined;
      const { user } = product;
      const store = mkdtempSync('/var/tmp/e2e-debian-');
      stores.push(store);
      chownSync(store, user.uid, user.gid);
      const env = { ...spawnOptionsOf(user).env, XDG_DATA_HOME: store };
      return { run: (args: readonly string[]) => product.ctr(args, { timeoutMs, env }), user };
    },
  })),
];

const stores: string[] = [];
let image: Debian | string;
beforeAll(async () => {
  image = await debian();
}, 500_000);
afterAll(() => {
  for (const store of stores) rmSync(store, { recursive: true });
});

const sources: { kind: string; of: (image: Debian, user?: TestUser) => Promise<string> }[] = [
  { kind: 'oci:', of: async ({ layout }) => `oci:${layout}:latest` },
  {
    kind: 'rootfs:',
    // Whoever unpacks a root file system owns it.
    of: async (image, user) => `rootfs:${user ? await ownedBy(user, image) : image.rootfs}`,
  },
];
const cases = callers.flatMap((caller) => sources.map((source) => ({ ...caller, ...source })));

describe.each(cases)('$kind as $caller', ({ prepare, kind, of }) => {
  let found: Caller | undefined;
  beforeAll(async () => {
    found = await prepare();
  }, 180_000);

  test('bash -lc, apt-get and python3 work', { timeout: 200_000 }, async ({ skip }) => {
    if (typeof image === 'string') return skip(image);
    if (found === undefined) return skip('the test users do not exist; run npm test once as root');
    const { run, user } = found;
    const source = await of(image, user);
    const before = snapshot();
    const bash = await run([
      'run',
      '--rm',
      source,
      'bash',
      '-lc',
      'echo "$BASH_VERSION"; id -u; cat /etc/debian_version',
    ]);
    expect(bash.stderr).toBe('');
    expect(bash.stdout).toMatch(/^5\.\S+\n0\n12\.\d+\n$/);
    expect(await run(['run', '--rm', source, 'apt-get', '--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^apt 2\./),
    });
    const program = 'import os, sys; print(os.getpid(), sys.version_info[0], os.uname().nodename)';
    const python = ['run', '--rm', '--hostname', 'deb', source, 'python3', '-c', program];
    expect(await run(python)).toMatchObject({ exitCode: 0, stdout: '1 3 deb\n', stderr: '' });
    expect(await leftSince(before)).toEqual([]);
  });

  // Writes to a directory of the caller's are the caller's wish.
  if (kind === 'rootfs:') return;

  test('what it writes is its own', { timeout: 200_000 }, async ({ skip }) => {
    if (typeof image === 'string') return skip(image);
    if (found === undefined) return skip('the test users do not exist; run npm test once as root');
    const { run } = found;
    const before = snapshot();
    const source = `oci:${image.layout}:latest`;
    const shell = (script: string) => run(['run', '--rm', source, 'bash', '-c', script]);
    const changed = await shell(
      'echo x > /etc/new && cat /etc/new; rm -r /usr/share/doc; ls /usr/share/doc',
    );
    expect(changed).toMatchObject({ stdout: 'x\n', exitCode: 2 });
    const again = await shell('test ! -e /etc/new && ls -d /usr/share/doc');
    expect(again).toMatchObject({ stdout: '/usr/share/doc\n', exitCode: 0, stderr: '' });
    expect(await leftSince(before)).toEqual([]);
  });
});
