/** The second disk: the repository's `node_modules`, of which tests need Node and vitest only. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { root, triple } from '@ctr-ts/dev/repository';

import { must } from '../../e2e/support/command.ts';
import { cached } from './cache.ts';
import { makeDisk } from './system-disk.ts';

/** Tools of the build: more than half of the folder. */
const left = [
  '@biomejs',
  '@napi-rs',
  '@octokit',
  '@typescript',
  'es-toolkit',
  `node-${triple().folder.split('-').slice(0, 2).join('-')}/include`,
  'typescript',
];

/** The size of the disk; the file has holes where nothing is. */
const SIZE = '1G';

export function dependenciesDisk(): Promise<string> {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  return cached({
    kind: 'dependencies',
    recipe: { lock, left, SIZE },
    make: async (path, folder) => {
      const modules = join(folder, 'node_modules');
      mkdirSync(modules, { mode: 0o755 });
      const excludes = left.map((name) => `--exclude='./${name}'`).join(' ');
      await must('sh', [
        '-c',
        `tar -cf - --owner=0 --group=0 --mode=a+rX ${excludes} -C "$1" . | tar -xf - -C "$2"`,
        'sh',
        join(root, 'node_modules'),
        modules,
      ]);
      await makeDisk(modules, path, SIZE);
      rmSync(modules, { recursive: true });
    },
  });
}
