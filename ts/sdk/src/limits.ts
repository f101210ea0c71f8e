/** How people write limits (`256m`, `0.5`) and what the kernel wants instead. */

import { CtrError } from './errors.ts';

/** CPU bandwidth in the kernel's terms: `quotaUs` of every `periodUs`. */
export interface CpuBandwidth {
  quotaUs: number;
  periodUs: number;
}

/** The period docker and the kernel use by default: long enough to be fair, short enough to feel smooth. */
export const CPU_PERIOD_US = 100_000;

/** The least quota cpu.cfs_quota_us and cpu.max accept. */
const MIN_QUOTA_US = 1_000;

/** docker's floor: less cannot hold the container's own first process. */
export const MIN_MEMORY_BYTES = 6 * 1024 * 1024;

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

const SIZE = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i;

/**
 * Bytes of a size as people write it: `268435456`, `256m`, `1g`, `1.5g`, `64k`, `2GiB`. Units are
 * powers of 1024, as in docker.
 *
 * @throws CtrError `INVALID_LIMIT`
 */
export function parseSize(text: string, what = 'size'): number {
  const match = SIZE.exec(text.trim());
  const number = Number(match?.[1]);
  const unit = UNITS[(match?.[2] ?? '').toLowerCase()];
  const bytes = match && unit !== undefined ? Math.round(number * unit) : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw invalid(what, text, 'write a number with an optional unit, for example 256m or 1.5g');
  }
  return bytes;
}

/**
 * A number of CPUs as people write it: `0.2`, `1.5`, `4`.
 *
 * @throws CtrError `INVALID_LIMIT`
 */
export function parseCpus(text: string, what = 'cpus'): number {
  const cpus = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  return checkCpus(cpus, what, text);
}

/**
 * A number of processes and threads: a positive integer, or -1 for no limit.
 *
 * @throws CtrError `INVALID_LIMIT`
 */
export function parsePids(text: string, what = 'pids limit'): number {
  const pids = /^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  return checkPids(pids, what, text);
}

/** The quota and period that give `cpus` processors' worth of time. */
export function cpuBandwidth(cpus: number): CpuBandwidth {
  return { quotaUs: Math.round(cpus * CPU_PERIOD_US), periodUs: CPU_PERIOD_US };
}

/** `cpus` when it is a limit the kernel can hold; throws `INVALID_LIMIT` else. */
export function checkCpus(cpus: number, what = 'cpus', shown: string | number = cpus): number {
  if (!Number.isFinite(cpus) || cpus * CPU_PERIOD_US < MIN_QUOTA_US || cpus > 1_000_000) {
    throw invalid(what, shown, 'write a number of processors of at least 0.01, for example 0.5');
  }
  return cpus;
}

/** `bytes` when it is a usable memory limit; throws `INVALID_LIMIT` else. */
export function checkMemory(bytes: number, what = 'memory limit'): number {
  if (!Number.isSafeInteger(bytes) || bytes < MIN_MEMORY_BYTES) {
    throw invalid(what, bytes, 'the least memory limit is 6m');
  }
  return bytes;
}

/** `pids` when it is a usable limit (-1: none); throws `INVALID_LIMIT` else. */
export function checkPids(
  pids: number,
  what = 'pids limit',
  shown: string | number = pids,
): number {
  if (!Number.isSafeInteger(pids) || pids === 0 || pids < -1 || pids > 4_194_304) {
    throw invalid(what, shown, 'write a positive number of processes, or -1 for no limit');
  }
  return pids;
}

function invalid(what: string, shown: string | number, hint: string): CtrError {
  return new CtrError('INVALID_LIMIT', `invalid ${what} ${JSON.stringify(shown)}`, {
    hint,
  });
}
