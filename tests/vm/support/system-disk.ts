/** The first disk: a small Debian with what tests run, the kernel's modules and the test users. */
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { testUserNames } from '@ctr-ts/dev/test-users';

import { must } from '../../e2e/support/command.ts';
import { cached } from './cache.ts';
import type { Kernel } from './kernel.ts';

/** Beyond what every Debian has. A row more or less makes a new disk. */
const packages = [
  { name: 'busybox-static', reason: 'the smallest root file system that runs' },
  { name: 'iproute2', reason: 'the loopback interface, and to look at networks' },
  { name: 'kmod', reason: 'the kernel loads modules by modprobe' },
  { name: 'libstdc++6', reason: 'Node' },
  { name: 'mount', reason: 'mount and umount' },
  { name: 'procps', reason: 'ps' },
  { name: 'python3-minimal', reason: 'a real program to run on host:' },
  { name: 'strace', reason: 'shows which system calls were made' },
  { name: 'uidmap', reason: 'newuidmap and newgidmap' },
  { name: 'umoci', reason: 'makes OCI layouts that are not our own' },
];

/** Room for what tests write; the file has holes there. */
const SIZE = '3G';

/** With and without subordinate ids, as setup makes them on the machine outside. */
const customize = [
  `useradd -R "$1" -m -s /bin/sh -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 ${testUserNames.withSubordinateIds}`,
  `useradd -R "$1" -m -s /bin/sh -K SUB_UID_COUNT=0 -K SUB_GID_COUNT=0 ${testUserNames.withoutSubordinateIds}`,
  `echo ${testUserNames.withSubordinateIds}:100000:65536 | tee "$1/etc/subuid" >"$1/etc/subgid"`,
  'mkdir -p "$1/repository"',
];

export function systemDisk({ version, modules }: Kernel): Promise<string> {
  return cached({
    kind: 'system',
    recipe: { packages: packages.map(({ name }) => name), customize, version, SIZE },
    make: async (path, folder) => {
      if (process.getuid?.() !== 0) throw new Error('the system disk is made by root: npm test');
      const rootfs = join(folder, 'rootfs');
      // It mounts a proc and a sys file system: in a mount namespace of its own nothing can stay.
      await must(
        'unshare',
        [
          ...['--mount', 'mmdebstrap', '--mode=root', '--variant=essential', '--quiet'],
          `--include=${packages.map(({ name }) => name).join(',')}`,
          ...customize.map((command) => `--customize-hook=${command}`),
          ...['bookworm', rootfs],
        ],
        { timeoutMs: 400_000 },
      );
      const target = join(rootfs, 'lib/modules', version);
      if (!existsSync(target)) mkdirSync(target, { recursive: true });
      cpSync(modules, target, { recursive: true });
      await makeDisk(rootfs, path, SIZE);
      rmSync(rootfs, { recursive: true });
    },
  });
}

/** An ext4 file system with the content of a directory. No journal: nobody writes to it twice. */
export async function makeDisk(directory: string, path: string, size: string): Promise<void> {
  const options = ['-q', '-O', '^has_journal', '-E', 'lazy_itable_init=1', '-m', '0'];
  await must('mkfs.ext4', [...options, '-d', directory, path, size], {
    timeoutMs: 120_000,
    // It is in a folder that only root has on the path.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  });
}
