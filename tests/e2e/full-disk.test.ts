/** Storage that refuses: read-only and full, made in a mount namespace of the test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { paths } from '@ctr-ts/dev/repository';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { execute } from './support/command.ts';
import { busybox, pack } from './support/images.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';

const directory = mkdtempSync(join(tmpdir(), 'e2e-full-disk-'));
let before: Machine;
let layout: string | undefined;
beforeAll(async () => {
  const rootfs = busybox(directory);
  layout = rootfs && join(directory, 'layout');
  if (rootfs && layout) await pack(rootfs, layout);
  before = snapshot();
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Empty directories do no harm, and what `host:` starts from is kept for the next run. */
const listing =
  'find /var/lib/ctr-ts /run/ctr-ts ! -type d ! -path "/var/lib/ctr-ts/host/*" ! -name "*.lock" ! -name lock -printf "left %p\\n"';

/** Runs `ctr-ts` where the mounts are as the script makes them; then, when its launcher has ended too, tells what is left there. */
const under = (mounts: string, ...args: string[]) => {
  const script = `set -e; mkdir -p /var/lib/ctr-ts /run/ctr-ts; ${mounts}; set +e; '${paths.launcher}' "$@"; code=$?; sleep 0.5; ${listing}; exit $code`;
  return execute('unshare', ['--mount', 'sh', '-c', script, 'sh', ...args], { timeoutMs: 40_000 });
};

const fresh = (path: string, options: string) =>
  `mount -t tmpfs -o mode=711,${options} tmpfs ${path}`;
const runRoot = fresh('/run/ctr-ts', 'size=4m');
const cases = [
  { title: 'the data root is read-only', mounts: `${fresh('/var/lib/ctr-ts', 'ro')}; ${runRoot}` },
  {
    title: 'the data root has 64 KB',
    mounts: `${fresh('/var/lib/ctr-ts', 'size=64k')}; ${runRoot}`,
  },
  {
    title: 'the data root has no inodes',
    mounts: `${fresh('/var/lib/ctr-ts', 'nr_inodes=3')}; ${runRoot}`,
  },
];

test.each(cases)(
  'an image is unpacked where $title: refused, with nothing left',
  async ({ mounts }) => {
    if (layout === undefined) return expect.fail('busybox-static is not installed');
    const ended = await under(mounts, 'run', '--rm', `oci:${layout}`, 'true');
    expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
    expect(ended.stderr).toMatch(/^ctr-ts: [^\n]* \[[A-Z_]+\]\n {2}next: [^\n]+\n$/);
    expect(await leftSince(before)).toEqual([]);
  },
);

const dataRoot = fresh('/var/lib/ctr-ts', 'size=64m');
const records = [
  { title: 'read-only', mounts: `${dataRoot}; ${fresh('/run/ctr-ts', 'ro')}` },
  { title: 'full', mounts: `${dataRoot}; ${fresh('/run/ctr-ts', 'size=4k,nr_inodes=4')}` },
];

test.each(records)(
  'records cannot be written because the run root is $title: refused',
  async ({ mounts }) => {
    const ended = await under(mounts, 'run', '--rm', 'host:', 'true');
    expect(ended).toMatchObject({ exitCode: 125, stdout: '' });
    expect(ended.stderr).toMatch(/^ctr-ts: [^\n]* \[[A-Z_]+\]\n {2}next: [^\n]+\n$/);
    expect(await leftSince(before)).toEqual([]);
  },
);

test('a container fills its own layer and nothing else', async () => {
  const ended = await under(
    `${fresh('/var/lib/ctr-ts', 'size=8m')}; ${runRoot}`,
    ...[
      'run',
      '--name',
      'e2e-full',
      'host:',
      'sh',
      '-c',
      'head -c 32M /dev/zero > /root/big; echo status $?',
    ],
  );
  expect(ended.stdout).toMatch(/^status 1\n/);
  expect(ended.stderr).toContain('No space left');
  expect(ended.exitCode).toBe(0);
});
