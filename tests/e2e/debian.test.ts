/** A real Debian, as a directory and as an OCI layout made by others, as root and as ordinary users. */
import { beforeAll, describe, expect, test } from 'vitest';

import { ctr } from './support/command.ts';
import { type Debian, debian } from './support/images.ts';
import { leftSince, snapshot } from './support/machine.ts';
import { productOf, userKinds } from './support/user.ts';

type Run = (args: readonly string[]) => ReturnType<typeof ctr>;

const callers: { caller: string; product: () => Promise<Run | undefined> }[] = [
  { caller: 'root', product: async () => (args) => ctr(args, { timeoutMs: 100_000 }) },
  ...userKinds.map(({ kind, name }) => ({
    caller: `a user ${kind}`,
    product: async () => {
      const found = await productOf(name);
      return found && ((args: readonly string[]) => found.ctr(args, { timeoutMs: 100_000 }));
    },
  })),
];

let image: Debian | string;
beforeAll(async () => {
  image = await debian();
}, 500_000);

const sources: { kind: string; of: (image: Debian) => string }[] = [
  { kind: 'oci:', of: ({ layout }) => `oci:${layout}:latest` },
  { kind: 'rootfs:', of: ({ rootfs }) => `rootfs:${rootfs}` },
];
const cases = callers.flatMap((caller) => sources.map((source) => ({ ...caller, ...source })));

describe.each(cases)('$kind as $caller', ({ product, of }) => {
  let run: Run | undefined;
  beforeAll(async () => {
    run = await product();
  }, 180_000);

  test('bash -lc, apt-get and python3 work', { timeout: 200_000 }, async ({ skip }) => {
    if (typeof image === 'string') return skip(image);
    if (run === undefined) return skip('the test users do not exist; run npm test once as root');
    const before = snapshot();
    const source = of(image);
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

  test('what it writes is its own', { timeout: 200_000 }, async ({ skip }) => {
    if (typeof image === 'string') return skip(image);
    if (run === undefined) return skip('the test users do not exist; run npm test once as root');
    const before = snapshot();
    const source = `oci:${image.layout}:latest`;
    const shell = (script: string) => run?.(['run', '--rm', source, 'bash', '-c', script]);
    const changed = await shell(
      'echo x > /etc/new && cat /etc/new; rm -r /usr/share/doc; ls /usr/share/doc',
    );
    expect(changed).toMatchObject({ stdout: 'x\n', exitCode: 2 });
    const again = await shell('test ! -e /etc/new && ls -d /usr/share/doc');
    expect(again).toMatchObject({ stdout: '/usr/share/doc\n', exitCode: 0, stderr: '' });
    expect(await leftSince(before)).toEqual([]);
  });
});
