/**
 * Asks a plugin what commands it has, in a process of its own: whatever its module does when it is
 * loaded (ends the process, prints, never returns), whoever asked goes on.
 */

import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CtrError, type CtrErrorOptions } from '@ctr-ts/sdk';
import { broken, type Loadable } from './load.ts';
import type { CommandRecord } from './record.ts';

/** What the other process answers. */
export type Answer =
  | { commands: CommandRecord[] }
  | { error: { code: string; message: string } & CtrErrorOptions };

/** Longest time a plugin may take to be loaded. */
const LIMIT_MS = 15_000;

/** The other process: this folder's describe-child, compiled or not as we are. */
const CHILD = fileURLToPath(
  new URL(`./describe-child${extname(fileURLToPath(import.meta.url))}`, import.meta.url),
);

/**
 * The commands of a plugin, as its code says now.
 *
 * @throws CtrError `PLUGIN_BROKEN`, `PLUGIN_INVALID`
 */
export async function describePlugin({ name, root, module }: Loadable): Promise<CommandRecord[]> {
  const child = fork(CHILD, [name, root, module], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  });
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  child.once('message', resolve);
  child.once('error', (cause) => reject(broken(name, cause.message, cause)));
  child.once('exit', (code, signal) =>
    reject(broken(name, `it ends the process that loads it (${signal ?? `exit code ${code}`})`)),
  );
  const timer = setTimeout(
    () => reject(broken(name, `not loaded within ${LIMIT_MS / 1000} s`)),
    LIMIT_MS,
  );
  try {
    const answer = await promise;
    if ('commands' in answer) return answer.commands;
    const { code, message, ...options } = answer.error;
    throw new CtrError(code, message, options);
  } finally {
    clearTimeout(timer);
    child.kill('SIGKILL');
  }
}
