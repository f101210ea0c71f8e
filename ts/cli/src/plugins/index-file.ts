/**
 * The index of plugins: one small file, written whenever one is installed, linked or removed.
 *
 * Each version is a file of its own, `index-N.json`, and the highest N counts. A writer claims N+1
 * by link(2), which fails when another was first; it then begins again on what that one wrote. So
 * there is no lock that a killed process could leave behind, and at any instant one whole index.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';
import type { Index } from './record.ts';

/** The form of the file; a newer ctr-ts may write another. */
const FORMAT = 1;

/** What is in it. */
interface File extends Index {
  format: typeof FORMAT;
  /** Names this version of the index: a writer cannot tell its own by the number. */
  writer: string;
  /** The writers before, latest first. */
  earlier: readonly string[];
}

const NONE: File = { format: FORMAT, writer: '', earlier: [], plugins: [] };

/** More than that many others do not come between a writer's claim and its look whether it counts. */
const REMEMBERED = 32;

const NAME = /^index-(\d+)\.json$/;

/** Nobody but the owner: what is in it runs as the owner. */
const PRIVATE = 0o700;

/**
 * The plugins of a directory; none when it does not exist.
 *
 * @throws CtrError `PLUGINS_UNSAFE`, `PLUGINS_UNREADABLE`
 */
export function readIndex(directory: string): Index {
  const { plugins } = read(directory).file;
  return { plugins };
}

/**
 * Replaces the index by what `change` makes of it; `change` is called again when another process
 * was first, and may throw to leave all as it is.
 *
 * @throws what `change` throws; CtrError as {@link readIndex}, `PLUGINS_UNWRITABLE`
 */
export function updateIndex(directory: string, change: (index: Index) => Index): void {
  for (;;) {
    const { number, file } = read(directory);
    const { plugins } = change({ plugins: file.plugins });
    makeDirectory(directory);
    const writer = randomBytes(6).toString('hex');
    const earlier = [file.writer, ...file.earlier].slice(0, REMEMBERED);
    if (!claim(directory, number + 1, { format: FORMAT, writer, earlier, plugins })) continue;
    removeOlder(directory, number + 1);
    return;
  }
}

/** Makes the plugin directory if need be. */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: PRIVATE });
  } catch (cause) {
    throw unwritable(directory, cause);
  }
  requirePrivate(directory);
}

function read(directory: string): { number: number; file: File } {
  for (;;) {
    const number = latest(directory);
    if (number === 0) return { number, file: NONE };
    requirePrivate(directory);
    const path = fileOf(directory, number);
    try {
      // SECURITY: not checked field by field: whoever can write this file can as well write the
      // plugins it names.
      const file: File = JSON.parse(readFileSync(path, 'utf8'));
      if (file.format === FORMAT) return { number, file };
    } catch (cause) {
      // A writer removed it, so there is a newer one.
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw unreadable(path, cause);
    }
    throw unreadable(path, 'it was written by another version of ctr-ts');
  }
}

/** Whether `file` now counts, or counted until somebody built on it. */
function claim(directory: string, number: number, file: File): boolean {
  const fresh = join(directory, `.index-${file.writer}`);
  const path = fileOf(directory, number);
  try {
    writeFileSync(fresh, `${JSON.stringify(file, null, 2)}\n`);
    sync(fresh);
    linkSync(fresh, path);
    sync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw unwritable(path, cause);
  } finally {
    rmSync(fresh, { force: true });
  }
  const now = read(directory);
  if (now.file.writer === file.writer || now.file.earlier.includes(file.writer)) return true;
  // Two others were here since we looked, and the second removed the first one's file: ours took
  // that old number and counts for nothing.
  rmSync(path, { force: true });
  return false;
}

function latest(directory: string): number {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw unreadable(directory, cause);
  }
  return Math.max(0, ...names.map((name) => Number(NAME.exec(name)?.[1] ?? 0)));
}

/** The new index counts already: a failure here must not look as if it did not. */
function removeOlder(directory: string, number: number): void {
  try {
    for (const name of readdirSync(directory)) {
      const match = NAME.exec(name);
      if (match && Number(match[1]) < number) rmSync(join(directory, name), { force: true });
    }
  } catch {
    // They count for nothing; the next writer tries again.
  }
}

/** SECURITY: plugins run with all the caller may do, so nobody else may choose what they are. */
function requirePrivate(directory: string): void {
  const { mode, uid } = statSync(directory);
  if (uid === process.geteuid?.() && (mode & 0o022) === 0) return;
  throw new CtrError('PLUGINS_UNSAFE', `use plugins of ${directory}: others can write to it`, {
    hint: `make it yours alone: chown $(id -u) ${directory} && chmod 700 ${directory}`,
  });
}

function fileOf(directory: string, number: number): string {
  return join(directory, `index-${number}.json`);
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(path: string, cause: unknown): CtrError {
  return new CtrError('PLUGINS_UNREADABLE', `read ${path}: ${reason(cause)}`, {
    cause,
    hint: 'move that file away and install the plugins again',
  });
}

function unwritable(path: string, cause: unknown): CtrError {
  return new CtrError('PLUGINS_UNWRITABLE', `write ${path}: ${reason(cause)}`, {
    cause,
    hint: 'name another directory: CTR_TS_PLUGIN_DIR=/DIR',
  });
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
