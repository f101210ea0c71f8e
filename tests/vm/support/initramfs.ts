/** What the kernel starts from: busybox, the modules that reach the disks, and guest/init.sh. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, resolve } from 'node:path';

import { must } from '../../e2e/support/command.ts';
import { cached } from './cache.ts';
import type { Kernel } from './kernel.ts';

/** Disks, and the port for results; ext4 is built into the kernel. */
const wanted = ['virtio_pci', 'virtio_blk', 'virtio_console'];

const applets = ['sh', 'mount', 'umount', 'insmod', 'usleep', 'tar', 'mkdir', 'switch_root'];

const init = resolve(import.meta.dirname, '../guest/init.sh');

export function initramfs({ version, modules }: Kernel): Promise<string> {
  const order = modulesInOrder(modules);
  return cached({
    kind: 'initramfs',
    recipe: { version, order, applets, init: readFileSync(init, 'utf8') },
    make: async (path, folder) => {
      const tree = join(folder, 'tree');
      for (const name of ['bin', 'dev', 'proc', 'sys', 'system', 'modules']) {
        mkdirSync(join(tree, name), { recursive: true });
      }
      copyFileSync(init, join(tree, 'init'));
      chmodSync(join(tree, 'init'), 0o755);
      const busybox = ['/bin/busybox', '/usr/bin/busybox'].find((file) => existsSync(file));
      if (busybox === undefined) throw new Error('busybox-static is not installed');
      copyFileSync(busybox, join(tree, 'bin/busybox'));
      for (const applet of applets) symlinkSync('busybox', join(tree, 'bin', applet));
      for (const file of order) {
        copyFileSync(join(modules, file), join(tree, 'modules', basename(file)));
      }
      writeFileSync(
        join(tree, 'modules/order'),
        order.map((file) => `${basename(file)}\n`).join(''),
      );
      const script = 'cd "$2" && find . | "$1" cpio -o -H newc --quiet >"$3"';
      await must('sh', ['-c', `set -e; ${script}`, 'sh', busybox, tree, path]);
    },
  });
}

/** Files of the wanted modules and of all they need, each after its needs. */
function modulesInOrder(modules: string): string[] {
  const needs = new Map<string, string[]>();
  for (const line of readFileSync(join(modules, 'modules.dep'), 'utf8').split('\n')) {
    const [file, rest = ''] = line.split(':');
    if (file) needs.set(file, rest.trim().split(' ').filter(Boolean));
  }
  const order = new Set<string>();
  const add = (file: string) => {
    for (const need of needs.get(file) ?? []) add(need);
    order.add(file);
  };
  for (const name of wanted) {
    const file = [...needs.keys()].find((path) => path.endsWith(`/${name}.ko`));
    if (file === undefined) throw new Error(`the kernel has no module ${name}`);
    add(file);
  }
  return [...order];
}
