/** docker's `--cidfile`: the id of a container for scripts that want to find it. */

import { closeSync, existsSync, openSync, unlinkSync, writeSync } from 'node:fs';
import type { Core } from './core.ts';
import { CtrError } from './errors.ts';
import type { Decided } from './launch.ts';

/** Refuses a file that is there; throws `FILE_EXISTS`. */
export function checkCidFile(path: string | undefined): void {
  if (path !== undefined && existsSync(path)) throw taken(path);
}

/**
 * A launch that writes the file first and takes it away again when nothing comes of it. A file
 * that is there already belongs to another container: `FILE_EXISTS`.
 */
export function withCidFile(path: string | undefined, core: Core, decided: Decided): Decided {
  if (path === undefined) return decided;
  return {
    ...decided,
    begin: (stdio) => {
      try {
        write(path, decided.id);
      } catch (error) {
        core.closeStdio(stdio);
        throw error;
      }
      try {
        const launched = decided.begin(stdio);
        launched.started.catch(() => remove(path));
        return launched;
      } catch (error) {
        remove(path);
        throw error;
      }
    },
  };
}

function write(path: string, id: string): void {
  try {
    // Exclusive: of two containers that were given one file only one can have it.
    const file = openSync(path, 'wx', 0o644);
    try {
      writeSync(file, id);
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw taken(path);
    throw new CtrError(
      code === 'EACCES' || code === 'EPERM' ? 'PERMISSION_DENIED' : 'FILE_NOT_FOUND',
      `cannot write the container id to ${path}`,
      { hint: 'name a file in a directory this user may write to', cause },
    );
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else took it away.
  }
}

function taken(path: string): CtrError {
  return new CtrError('FILE_EXISTS', `cannot write the container id to ${path}: it is there`, {
    hint: 'remove it, or name another file',
  });
}
