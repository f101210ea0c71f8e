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

const NAME = /^index-(\d+)\.json$/;

/** Nobody but the owner: what is in it runs as the owner. */
const PRIVATE = 0o700;

/**
 * The plugins of a directory; none when it does not exist.
 *
 * @throws CtrError `PLUGINS_UNSAFE`, `PLUGINS_UNREADABLE`
 */
export function readIndex(directory: string): Index {
  return read(directory).index;
}

/**
 * Replaces the index by what `change` makes of it; `change` is called again when another process
 * was first, and may throw to leave all as it is.
 *
 * @throws what `change` throws; CtrError as {@link readIndex}, `PLUGINS_UNWRITABLE`
 */
export function updateIndex(directory: string, change: (index: Index) => Index): void {
  for (;;) {
    const { number, index } = read(directory);
    const changed = change(index);
    makeDirectory(directory);
    if (!claim(directory, number + 1, changed)) continue;
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

function read(directory: string): { number: number; index: Index } {
  for (;;) {
    const number = latest(directory);
    if (number === 0) return { number, index: { plugins: [] } };
    requirePrivate(directory);
    const path = fileOf(directory, number);
    try {
      // SECURITY: not checked field by field: whoever can write this file can as well write the
      // plugins it names.
      const { format, plugins } = JSON.parse(readFileSync(path, 'utf8'));
      if (format === FORMAT) return { number, index: { plugins } };
    } catch (cause) {
      // A writer removed it, so there is a newer one.
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw unreadable(path, cause);
    }
    throw unreadable(path, 'it was written by another version of ctr-ts');
  }
}

function claim(directory: string, number: number, index: Index): boolean {
  const fresh = join(directory, `.index-${randomBytes(6).toString('hex')}`);
  const path = fileOf(directory, number);
  try {
    writeFileSync(fresh, `${JSON.stringify({ format: FORMAT, ...index }, null, 2)}\n`);
    sync(fresh);
    linkSync(fresh, path);
    sync(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw unwritable(path, cause);
  } finally {
    rmSync(fresh, { force: true });
  }
  // Two others may have been here since we looked, and the second removed the first one's file:
  // then ours took an old number and counts for nothing.
  if (latest(directory) === number) return true;
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

function removeOlder(directory: string, number: number): void {
  for (const name of readdirSync(directory)) {
    const match = NAME.exec(name);
    if (match && Number(match[1]) < number) rmSync(join(directory, name), { force: true });
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
