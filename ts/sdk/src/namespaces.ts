/** Which namespaces a container gets, and which it shares with the host. */

import { CtrError } from './errors.ts';
import type { SpecNamespace } from './oci.ts';

export interface NamespaceOptions {
  /**
   * `private` (default): queues and segments of its own. `host`: the host's, with its /dev/shm.
   * `none`: private and without a /dev/shm.
   */
  ipc?: 'private' | 'host' | 'none' | undefined;
  /** `private` (default): a host name of its own. `host`: the host's, which it cannot change. */
  uts?: 'private' | 'host' | undefined;
  /** `private` (default): its own cgroup is the root of what it sees. `host`: all are in sight. */
  cgroupns?: 'private' | 'host' | undefined;
  /**
   * `host`: ids are those of the host, which is how root's containers run; an ordinary user's
   * always have a user namespace (`PERMISSION_DENIED`).
   */
  userns?: 'host' | undefined;
}

type Options = NamespaceOptions & {
  network?: 'none' | 'host' | undefined;
  hostname?: string | undefined;
  domainname?: string | undefined;
};

const CHOICES = {
  ipc: ['private', 'host', 'none'],
  uts: ['private', 'host'],
  cgroupns: ['private', 'host'],
  userns: ['host'],
} as const;

/**
 * Checks the options.
 *
 * @throws CtrError `INVALID_ARGUMENT`
 */
export function checkNamespaces(options: Options): void {
  for (const name of ['ipc', 'uts', 'cgroupns', 'userns'] as const) {
    const value = options[name];
    const choices: readonly string[] = CHOICES[name];
    if (value !== undefined && !choices.includes(value)) {
      throw invalid(`unknown ${name} ${JSON.stringify(value)}`, `write ${choices.join(' or ')}`);
    }
  }
  if (options.uts !== 'host') return;
  const named = options.hostname !== undefined ? 'host name' : 'domain name';
  if (options.hostname === undefined && options.domainname === undefined) return;
  throw invalid(
    `cannot set a ${named} in the UTS namespace of the host`,
    'leave one of the two out',
  );
}

/**
 * Refuses what this user cannot have.
 *
 * @throws CtrError `PERMISSION_DENIED`
 */
export function checkUserns({ userns }: NamespaceOptions, rootless: boolean): void {
  if (userns !== 'host' || !rootless) return;
  throw new CtrError('PERMISSION_DENIED', 'containers of an ordinary user need a user namespace', {
    hint: 'leave userns out, or run as root',
  });
}

/** The namespaces to make; what is not there is shared. */
export function buildNamespaces(options: Options, rootless: boolean): SpecNamespace[] {
  const kinds: SpecNamespace['type'][] = ['pid', 'mount'];
  if (options.uts !== 'host') kinds.push('uts');
  if (options.ipc !== 'host') kinds.push('ipc');
  if (options.cgroupns !== 'host') kinds.push('cgroup');
  if (options.network !== 'host') kinds.push('network');
  // Without mappings of its own it inherits every id the launcher holds.
  if (rootless) kinds.unshift('user');
  return kinds.map((type) => ({ type }));
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_ARGUMENT', message, { hint });
}
