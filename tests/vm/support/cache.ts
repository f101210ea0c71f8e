/**
 * Machine images that take long to make, kept between runs: world-readable files named by what
 * they were made of, published by rename.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';

export const cacheFolder = '/var/cache/ctr-ts-test/vm';

/** Images of one kind that are kept: several checkouts may share the folder. */
const KEPT = 4;

export interface Cached {
  /** What it is; the first part of its name. */
  kind: string;
  /** Everything that its content depends on. */
  recipe: unknown;
  /** Makes it at this path, with `folder` for whatever is needed on the way. */
  make(path: string, folder: string): Promise<void>;
}

/** The path of the image, made now unless an earlier run has. Throws when it must be made and cannot. */
export async function cached({ kind, recipe, make }: Cached): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(recipe)).digest('hex').slice(0, 16);
  const path = join(cacheFolder, `${kind}-${key}`);
  if (existsSync(path)) {
    touch(path);
    return path;
  }
  mkdirSync(cacheFolder, { recursive: true, mode: 0o755 });
  const folder = mkdtempSync(join(cacheFolder, '.making-'));
  try {
    const fresh = join(folder, 'image');
    await make(fresh, folder);
    chmodSync(fresh, statSync(fresh).isDirectory() ? 0o755 : 0o644);
    renameSync(fresh, path);
  } catch (error) {
    // Another run was faster.
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  removeOldest(kind);
  return path;
}

/** Ages are those of the last use. */
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Root made it; whoever runs this may use it all the same.
  }
}

function removeOldest(kind: string): void {
  const old = readdirSync(cacheFolder)
    .filter((name) => name.startsWith(`${kind}-`))
    .map((name) => join(cacheFolder, name))
    .map((path) => ({ path, usedAt: statSync(path).mtimeMs }))
    .sort((a, b) => b.usedAt - a.usedAt)
    .slice(KEPT);
  for (const { path } of old) rmSync(path, { recursive: true, force: true });
}
