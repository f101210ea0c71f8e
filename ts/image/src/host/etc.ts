/** The host's /etc as far as it is shown: what is there, whether it changed, a copy of it. */

import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  realpath,
  stat,
  symlink,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ALLOWED_ETC } from './allow-list.ts';

const MAX_DEPTH = 8;
const MAX_FILE_BYTES = 8 * 1024 * 1024;

/** Four of five alternatives lead to manual pages; each costs an inode of the store. */
const MANUAL_PAGE = '.gz';

/**
 * A text that changes when a copy would come out differently. Synchronous, for it stands in the way
 * of every launch: about a hundred cheap calls. Links in directories are not looked at one by one,
 * for none can change without its directory.
 */
export function fingerprint(etc: string): string {
  const lines: string[] = [];
  const visit = (path: string, depth: number): void => {
    const absolute = join(etc, path);
    const entry = lstatSync(absolute, { throwIfNoEntry: false });
    if (entry === undefined || depth > MAX_DEPTH) return;
    lines.push(`${path} ${mark(entry)}`);
    if (entry.isSymbolicLink()) {
      const target = statSync(absolute, { throwIfNoEntry: false });
      lines.push(`${readlinkSync(absolute)} ${target === undefined ? '' : mark(target)}`);
    } else if (entry.isDirectory() && isOpen(entry.mode)) {
      for (const below of readdirSync(absolute, { withFileTypes: true })) {
        if (below.isFile() || below.isDirectory()) visit(join(path, below.name), depth + 1);
      }
    }
  };
  for (const path of listed(etc)) visit(path, 0);
  return lines.join('\n');
}

/** The change time is the kernel's: no program can set it back. */
function mark({ ino, ctimeMs, size }: Stats): string {
  return `${ino} ${ctimeMs} ${size}`;
}

/** Copies what is shown into the directory `to`. */
export async function copyEtc(etc: string, to: string): Promise<void> {
  const paths = listed(etc);
  const copying = { etc, to, paths, made: new Map() };
  await Promise.all(paths.map((path) => copy(copying, path, 0)));
}

interface Copying {
  etc: string;
  to: string;
  /** What is shown, for links that lead into it. */
  paths: readonly string[];
  /** Directories made or being made. */
  made: Map<string, Promise<void>>;
}

/** Private and odd files are left out: no program of an ordinary user could read them either. */
async function copy(copying: Copying, path: string, depth: number): Promise<void> {
  const from = join(copying.etc, path);
  const to = join(copying.to, path);
  const entry = await lstat(from).catch(() => undefined);
  if (entry === undefined || depth > MAX_DEPTH) return;
  if (depth === 0 && !(await isReachable(copying.etc, path))) return;
  if (entry.isSymbolicLink()) return copyLink(copying, path, depth);
  if (entry.isDirectory() && isOpen(entry.mode)) {
    await makeDirectory(copying, path);
    const names = (await readdir(from)).filter((name) => !name.endsWith(MANUAL_PAGE));
    await Promise.all(names.map((name) => copy(copying, join(path, name), depth + 1)));
  } else if (entry.isFile() && isPublic(entry.mode) && entry.size <= MAX_FILE_BYTES) {
    await makeDirectory(copying, dirname(path));
    await copyFile(from, to);
    await chmod(to, (entry.mode & 0o111) === 0 ? 0o644 : 0o755);
  }
}

/**
 * A link is kept when what it means is shown as well. A listed name that leads to another file of
 * /etc (nsswitch.conf under authselect) becomes a copy; any other link is left out.
 */
async function copyLink(copying: Copying, path: string, depth: number): Promise<void> {
  const { etc, paths } = copying;
  const from = join(etc, path);
  const to = join(copying.to, path);
  const real = await realpath(from).catch(() => undefined);
  if (real === undefined) return;
  const inside = real.startsWith(`${etc}/`) ? real.slice(etc.length + 1) : undefined;
  const shown = paths.some((other) => inside === other || inside?.startsWith(`${other}/`));
  if (shown || real.startsWith('/usr/')) {
    await makeDirectory(copying, dirname(path));
    await symlink(await readlink(from), to);
    return;
  }
  if (depth > 0 || inside === undefined || !(await isReachable(etc, inside))) return;
  const file = await stat(real);
  if (!file.isFile() || !isPublic(file.mode) || file.size > MAX_FILE_BYTES) return;
  await makeDirectory(copying, dirname(path));
  await copyFile(real, to);
  await chmod(to, 0o644);
}

/** The listed paths that can be there, patterns filled in. */
function listed(etc: string): string[] {
  const names = readdirSync(etc);
  const present = new Set(names);
  return ALLOWED_ETC.flatMap(({ path }) => {
    if (path.endsWith('*'))
      return names.filter((name) => name.startsWith(path.slice(0, -1))).sort();
    return present.has(path.split('/', 1)[0] ?? '') ? [path] : [];
  });
}

/** SECURITY: only what every user of the host may read is shown, whoever runs the container. */
function isPublic(mode: number): boolean {
  return (mode & 0o004) !== 0;
}

function isOpen(mode: number): boolean {
  return (mode & 0o005) === 0o005;
}

/** Whether every directory above a file of /etc is open to all. */
async function isReachable(etc: string, path: string): Promise<boolean> {
  for (let up = dirname(path); up !== '.'; up = dirname(up)) {
    if (!isOpen((await stat(join(etc, up))).mode)) return false;
  }
  return true;
}

/** Directories open to all whatever the umask says. */
function makeDirectory(copying: Copying, path: string): Promise<void> {
  if (path === '.') return Promise.resolve();
  const known = copying.made.get(path);
  if (known !== undefined) return known;
  const made = (async () => {
    await makeDirectory(copying, dirname(path));
    await mkdir(join(copying.to, path));
    await chmod(join(copying.to, path), 0o755);
  })();
  copying.made.set(path, made);
  return made;
}
