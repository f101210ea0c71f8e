/**
 * Debian's kernel for virtual machines: the installed one, else its package unpacked into the
 * cache. It is never installed from here: that would make an initial RAM file system, and on a
 * machine with a boot loader an entry in its menu.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { must } from '../../e2e/support/command.ts';
import { cached } from './cache.ts';

export interface Kernel {
  /** As `uname -r` says it. */
  version: string;
  image: string;
  /** `lib/modules/<version>` */
  modules: string;
}

const flavour = '-cloud-amd64';

export async function kernel(): Promise<Kernel> {
  const installed = findKernel('/');
  if (installed) return installed;
  const name = await packageName();
  const unpacked = findKernel(
    await cached({
      kind: 'kernel',
      recipe: { name, index: 'depmod' },
      make: async (path, folder) => {
        await must('apt-get', ['download', '-q', name], { cwd: folder, timeoutMs: 300_000 });
        const [file] = readdirSync(folder).filter((entry) => entry.endsWith('.deb'));
        if (file === undefined) throw new Error(`apt-get download ${name} brought nothing`);
        const fresh = join(folder, 'unpacked');
        mkdirSync(fresh);
        await must('dpkg-deb', ['-x', join(folder, file), fresh], { timeoutMs: 120_000 });
        // What the package's installation would do: write down which module needs which.
        for (const version of readdirSync(join(fresh, 'lib/modules'))) {
          await must('/sbin/depmod', ['--basedir', fresh, version], { timeoutMs: 120_000 });
        }
        renameSync(fresh, path);
      },
    }),
  );
  if (!unpacked) throw new Error(`${name} holds no kernel of the flavour ${flavour}`);
  return unpacked;
}

/** The newest one below this root. */
function findKernel(root: string): Kernel | undefined {
  const boot = join(root, 'boot');
  if (!existsSync(boot)) return undefined;
  return readdirSync(boot)
    .filter((name) => name.startsWith('vmlinuz-') && name.endsWith(flavour))
    .map((name) => name.slice('vmlinuz-'.length))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .reverse()
    .map((version) => ({
      version,
      image: join(boot, `vmlinuz-${version}`),
      modules: join(root, 'lib/modules', version),
    }))
    .find(({ modules }) => existsSync(modules));
}

/** What the package `linux-image-cloud-amd64` stands for today. */
async function packageName(): Promise<string> {
  const ask = async () =>
    /^\s*Depends: (linux-image-\S+)$/m.exec(
      await must('apt-cache', ['depends', `linux-image${flavour}`]),
    )?.[1];
  const known = await ask().catch(() => undefined);
  if (known) return known;
  // A fresh machine has no lists of packages.
  await must('apt-get', ['update', '-q'], { timeoutMs: 120_000 });
  const found = await ask();
  if (!found) throw new Error(`Debian's linux-image${flavour} names no kernel`);
  return found;
}
