/** Where ctr-ts keeps its files. */

import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { CtrError } from './errors.ts';
import type { EngineOptions } from './options.ts';

/** Absolute directories; made when something is put there. */
export interface Directories {
  /** Images and writable layers: survives a reboot. */
  dataRoot: string;
  /** Records, locks and sockets of live containers: does not. */
  runRoot: string;
}

/**
 * The directories of an engine.
 *
 * @throws CtrError `INVALID_ARGUMENT` for a relative path
 */
export function directories(engine: EngineOptions = {}): Directories {
  const { dataRoot = defaultDataRoot(), runRoot = defaultRunRoot() } = engine;
  for (const path of [dataRoot, runRoot]) {
    if (!isAbsolute(path)) {
      throw new CtrError('INVALID_ARGUMENT', `engine directory ${path} is not absolute`);
    }
  }
  return { dataRoot, runRoot };
}

function defaultDataRoot(): string {
  if (process.geteuid?.() === 0) return '/var/lib/ctr-ts';
  const xdg = process.env['XDG_DATA_HOME'];
  const base = xdg && isAbsolute(xdg) ? xdg : join(homedir(), '.local/share');
  return join(base, 'ctr-ts');
}

function defaultRunRoot(): string {
  const uid = process.geteuid?.() ?? 0;
  if (uid === 0) return '/run/ctr-ts';
  const xdg = process.env['XDG_RUNTIME_DIR'];
  // After `su` the variable often names the directory of somebody else.
  return xdg && ownedBy(uid, xdg) ? join(xdg, 'ctr-ts') : `/tmp/ctr-ts-${uid}`;
}

function ownedBy(uid: number, path: string): boolean {
  return isAbsolute(path) && statSync(path, { throwIfNoEntry: false })?.uid === uid;
}
