/** A command in new namespaces and nothing else of a container, as unshare(1). */

import { openCore } from './core.ts';
import { CtrError } from './errors.ts';
import { directories } from './paths.ts';
import { signalName } from './signals.ts';

/** A namespace kind, namespaces(7). */
export type NamespaceKind =
  | 'user'
  | 'pid'
  | 'mount'
  | 'uts'
  | 'ipc'
  | 'network'
  | 'cgroup'
  | 'time';

export interface UnshareOptions {
  /** Namespaces to make. */
  namespaces: NamespaceKind[];
  /** Run the command as a child: needed to be PID 1 of a new PID namespace. */
  fork?: boolean | undefined;
  /** Map user and group 0 inside to the caller. */
  mapRootUser?: boolean | undefined;
  /** Mount a new procfs on /proc; makes a mount namespace. */
  mountProc?: boolean | undefined;
  /** Host name in a new UTS namespace. */
  hostname?: string | undefined;
  /** argv; looked up in the caller's PATH. */
  command: string[];
}

/**
 * Runs a command in the caller's terminal and waits for its end.
 *
 * Failures of the set-up are reported on stderr by the process itself, with exit code 125 (126 and
 * 127 when the command cannot be executed or found).
 */
export async function unshare(
  options: UnshareOptions,
): Promise<{ exitCode: number | null; signal: string | null }> {
  const {
    namespaces,
    fork = false,
    mapRootUser = false,
    mountProc = false,
    hostname,
    command,
  } = options;
  if (command.length === 0) throw new CtrError('INVALID_ARGUMENT', 'empty command');
  if (namespaces.includes('time')) {
    throw new CtrError('NOT_YET', 'time namespaces are not supported yet', {
      hint: 'leave out time',
    });
  }
  const request = { namespaces, fork, mapRootUser, mountProc, hostname: hostname ?? null, command };
  const { exited } = openCore(directories()).runRole(['unshare', JSON.stringify(request)]);
  const { exitCode, signal } = await exited;
  return { exitCode, signal: signalName(signal) };
}
