/** Refuses settings that mean nothing: those that are too small for a file of their own. */

import { CtrError } from './errors.ts';
import type { ContainerOptions } from './options.ts';
import { signalNumber } from './signals.ts';

/** Longest domain name, uname(2). */
const MAX_DOMAIN = 64;

/** Longest time a timer can wait. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Checks the options.
 *
 * @throws CtrError `INVALID_ARGUMENT`, `INVALID_NAME`, `INVALID_LIMIT`
 */
export function checkSettings(options: ContainerOptions): void {
  const { domainname, groupAdd, shmSizeBytes, oomScoreAdj, stopSignal, stopTimeoutMs } = options;
  if (domainname !== undefined && !/^[a-zA-Z0-9._-]+$/.test(domainname.slice(0, MAX_DOMAIN + 1))) {
    throw new CtrError('INVALID_NAME', `invalid domain name ${JSON.stringify(domainname)}`, {
      hint: 'use up to 64 letters, digits, dots and hyphens',
    });
  }
  if (domainname !== undefined && domainname.length > MAX_DOMAIN) {
    throw new CtrError('INVALID_NAME', `domain name of ${domainname.length} characters`, {
      hint: 'use up to 64 letters, digits, dots and hyphens',
    });
  }
  for (const group of groupAdd ?? []) {
    if (!/^[^\s:\0-][^\s:\0]*$/.test(group)) {
      throw invalid(
        `invalid group ${JSON.stringify(group)}`,
        'write a name or number of the image',
      );
    }
  }
  limit('shared memory size', shmSizeBytes, 1, Number.MAX_SAFE_INTEGER);
  limit('OOM score adjustment', oomScoreAdj, -1000, 1000);
  if (stopSignal !== undefined) signalNumber(stopSignal);
  if (stopTimeoutMs !== -1) limit('stop timeout', stopTimeoutMs, 0, MAX_DELAY_MS);
  if (!['hidden', 'unconfined', undefined].includes(options.systemPaths)) {
    throw invalid('unknown systemPaths', 'write hidden or unconfined');
  }
  for (const port of options.exposedPorts ?? []) checkPort(port);
  for (const [name, value] of Object.entries(options.sysctls ?? {})) {
    if (!/^[a-zA-Z0-9_/.:-]+$/.test(name) || value.includes('\0')) {
      throw invalid(`invalid kernel parameter ${JSON.stringify(name)}`, 'write net.ipv4.NAME');
    }
  }
  for (const name of Object.keys(options.annotations ?? {})) {
    if (name === '') throw invalid('an annotation without a name', 'write NAME=VALUE');
  }
}

/** `8080`, `53/udp`, `7000-7010/tcp`. */
function checkPort(text: string): void {
  const [, first = '', last = first] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(?:tcp|udp|sctp))?$/i.exec(text) ?? [];
  const [low, high] = [Number(first), Number(last)];
  if (first !== '' && low >= 1 && low <= high && high <= 65_535) return;
  throw invalid(`invalid port ${JSON.stringify(text)}`, 'write 8080, 53/udp or 7000-7010');
}

function limit(what: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined) return;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new CtrError('INVALID_LIMIT', `invalid ${what} ${value}`, {
    hint:
      max === Number.MAX_SAFE_INTEGER
        ? `write a whole number of at least ${min}`
        : `write a whole number from ${min} to ${max}`,
  });
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_ARGUMENT', message, { hint });
}
