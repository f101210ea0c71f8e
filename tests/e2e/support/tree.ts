/** What a root file system consists of, to compare ours with what another tool unpacks. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { expect } from 'vitest';

import { must } from './command.ts';

/** A file with all that an image says about it. Of a directory's size it says nothing. */
export interface TreeEntry {
  path: string;
  type: string;
  mode: string;
  uid: number;
  gid: number;
  /** Seconds. */
  mtime: number;
  target?: string;
  device?: [number, number];
  size?: number;
  /** SHA-256. */
  content?: string;
  /** The first path of the same file. */
  same?: string;
  xattrs: Record<string, string>;
}

/** Lists what is below a directory, as root. */
export async function listTree(directory: string): Promise<TreeEntry[]> {
  return parse(await must('python3', [script, directory], { timeoutMs: 120_000 }));
}

/** Lists the merged view of an overlay's lower directories, the uppermost first. */
export async function listOverlay(
  lower: readonly string[],
  { userxattr }: { userxattr: boolean },
): Promise<TreeEntry[]> {
  const directory = mkdtempSync(join(tmpdir(), 'e2e-tree-'));
  try {
    // An overlay wants two; the mode and owner of its root are those of the uppermost.
    for (const name of ['none', 'merged']) mkdirSync(join(directory, name));
    const options = [
      `lowerdir=${[...lower, join(directory, 'none')].join(':')}`,
      ...(userxattr ? ['userxattr'] : []),
    ].join(',');
    const shell = 'mount -t overlay -o "$1" overlay "$2" && exec python3 "$3" "$2"';
    const merged = join(directory, 'merged');
    const words = ['--mount', 'sh', '-c', shell, 'sh', options, merged, script];
    return parse(await must('unshare', words, { timeoutMs: 120_000 }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What umoci makes of an image of a layout, in a new directory below `directory`. */
export async function listUnpackedByUmoci(image: string, directory: string): Promise<TreeEntry[]> {
  const bundle = mkdtempSync(join(directory, 'umoci-'));
  const target = join(bundle, 'bundle');
  await must('umoci', ['unpack', '--image', image, target], { timeoutMs: 300_000 });
  try {
    return await listTree(join(target, 'rootfs'));
  } finally {
    await must('rm', ['-rf', bundle]);
  }
}

/** Compares two trees path by path, so that a difference says where it is. */
export function expectSameTree(found: TreeEntry[], expected: TreeEntry[]): void {
  // The time of the root is nobody's: the last layer need not name it.
  const by = (entries: TreeEntry[]) =>
    new Map(
      entries.map((entry) => [entry.path, entry.path === '.' ? { ...entry, mtime: 0 } : entry]),
    );
  const ours = by(found);
  const others = by(expected);
  expect([...ours.keys()].filter((path) => !others.has(path))).toEqual([]);
  expect([...others.keys()].filter((path) => !ours.has(path))).toEqual([]);
  const different = [...ours.values()].filter(
    (entry) => !isDeepStrictEqual(entry, others.get(entry.path)),
  );
  expect(different.map((entry) => [entry, others.get(entry.path)])).toEqual([]);
}

const script = join(import.meta.dirname, 'tree.py');

function parse(lines: string): TreeEntry[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TreeEntry);
}
