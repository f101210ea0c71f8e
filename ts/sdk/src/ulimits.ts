/** Resource limits of the container's processes, getrlimit(2), by the names docker uses. */

import { CtrError } from './errors.ts';

/** A soft limit, which a process may raise up to the hard one. -1 is no limit. */
export interface Ulimit {
  soft: number;
  hard: number;
}

/** Name of a limit. */
export const ULIMIT_NAMES = [
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile'],
  ...['nproc', 'rss', 'rtprio', 'rttime', 'sigpending', 'stack'],
] as const;

/** By name (`nofile`); a number is both soft and hard. */
export type Ulimits = Record<string, number | Ulimit>;

/**
 * Checks limits. Whether the kernel lets this user have them shows at the start (`RLIMIT_REFUSED`).
 *
 * @throws CtrError `INVALID_LIMIT`
 */
export function checkUlimits(ulimits: Ulimits): void {
  for (const [name, value] of Object.entries(ulimits)) {
    if (!(ULIMIT_NAMES as readonly string[]).includes(name)) {
      throw invalid(
        `unknown ulimit ${JSON.stringify(name)}`,
        `names are ${ULIMIT_NAMES.join(', ')}`,
      );
    }
    const { soft, hard } = pair(value);
    for (const number of [soft, hard]) {
      if (!Number.isSafeInteger(number) || number < -1) {
        throw invalid(
          `invalid ulimit ${name} ${number}`,
          'write a whole number, or -1 for no limit',
        );
      }
    }
    if (hard !== -1 && (soft === -1 || soft > hard)) {
      throw invalid(
        `ulimit ${name}: soft limit ${soft} above hard limit ${hard}`,
        'raise the second',
      );
    }
  }
}

/** As the OCI configuration has them; ctr-spec reads -1 as RLIM_INFINITY. */
export function rlimitsOf(ulimits: Ulimits): { type: string; soft: number; hard: number }[] {
  return Object.entries(ulimits).map(([name, value]) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    ...pair(value),
  }));
}

function pair(value: number | Ulimit): Ulimit {
  return typeof value === 'number'
    ? { soft: value, hard: value }
    : { soft: value.soft, hard: value.hard };
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_LIMIT', message, { hint });
}
