/**
 * Real root file systems for tests: Debian by mmdebstrap, kept between runs because it takes
 * minutes, and small ones of busybox. Packed into OCI layouts by umoci, which is not ours.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { execute, must } from './command.ts';

/** World-readable, outside anybody's home. */
const cache = '/var/cache/ctr-ts-test';

export interface Debian {
  /** Unpacked, owned by root. */
  rootfs: string;
  /** The same as a layout with one layer, tag `latest`. */
  layout: string;
}

/** The Debian image, or the sentence that says what is missing for it. */
export async function debian(): Promise<Debian | string> {
  const rootfs = join(cache, 'bookworm/rootfs');
  const layout = join(cache, 'bookworm/oci');
  if (existsSync(join(layout, 'index.json'))) return { rootfs, layout };
  for (const program of ['mmdebstrap', 'umoci']) {
    if (!existsSync(`/usr/bin/${program}`)) return `${program} is not installed`;
  }
  if (process.getuid?.() !== 0) return `no ${rootfs}, which only root can make`;
  const fresh = join(cache, `bookworm.${process.pid}`);
  mkdirSync(fresh, { recursive: true, mode: 0o755 });
  const words = [
    '--mode=root',
    '--variant=minbase',
    '--include=bash,python3-minimal,apt',
    'bookworm',
  ];
  // A proc and sys file system are mounted by it: in a mount namespace of its own nothing can stay.
  const made = await execute(
    'unshare',
    ['--mount', 'mmdebstrap', ...words, join(fresh, 'rootfs')],
    { timeoutMs: 400_000 },
  );
  if (made.exitCode !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    return `mmdebstrap could not reach a Debian mirror: ${made.stderr.trim().split('\n').at(-1)}`;
  }
  await pack(join(fresh, 'rootfs'), join(fresh, 'oci'));
  rmSync(join(cache, 'bookworm'), { recursive: true, force: true });
  renameSync(fresh, join(cache, 'bookworm'));
  return { rootfs, layout };
}

/** A copy of Debian's rootfs that belongs to a user, as if unpacked by that user. Root makes it. */
export async function ownedBy(
  user: { name: string; uid: number; gid: number },
  { rootfs }: Debian,
): Promise<string> {
  const owned = `${rootfs}-${user.name}`;
  if (existsSync(owned)) return owned;
  const fresh = `${owned}.${process.pid}`;
  await must('cp', ['-a', rootfs, fresh], { timeoutMs: 120_000 });
  await must('chown', ['-R', `${user.uid}:${user.gid}`, fresh]);
  renameSync(fresh, owned);
  return owned;
}

/** Makes an OCI layout with the tag `latest` whose one layer is the directory's content. */
export async function pack(rootfs: string, layout: string): Promise<void> {
  const image = `${layout}:latest`;
  await must('umoci', ['init', '--layout', layout]);
  await must('umoci', ['new', '--image', image]);
  await must('umoci', ['insert', '--image', image, rootfs, '/'], { timeoutMs: 300_000 });
  await must('umoci', [
    ...['config', '--image', image, '--config.cmd', '/bin/sh'],
    ...['--config.env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  ]);
  // umoci makes blobs that only their owner can read.
  await must('chmod', ['-R', 'a+rX', layout]);
}

const applets = ['sh', 'cat', 'echo', 'id', 'true', 'ls', 'sleep', 'touch', 'env', 'pwd', 'grep'];

/** A root file system that is one busybox; undefined where Debian's busybox-static is missing. */
export function busybox(directory: string): string | undefined {
  const program = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path));
  if (program === undefined) return undefined;
  const rootfs = join(directory, 'rootfs');
  for (const name of ['bin', 'etc', 'tmp', 'root']) {
    mkdirSync(join(rootfs, name), { recursive: true });
  }
  copyFileSync(program, join(rootfs, 'bin/busybox'));
  for (const applet of applets) symlinkSync('busybox', join(rootfs, 'bin', applet));
  writeFileSync(
    join(rootfs, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n',
  );
  writeFileSync(join(rootfs, 'etc/group'), 'root:x:0:\nuser:x:1000:\n');
  return rootfs;
}
