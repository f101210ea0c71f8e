/** What a container's control group limits, beside the three that every verb knows. */

import { CtrError } from './errors.ts';
import { cpuBandwidth, MIN_MEMORY_BYTES } from './limits.ts';
import type { SpecResources } from './oci.ts';

export interface ResourceOptions {
  /** Weight against its neighbours when processors are short, 2 to 262144. Default 1024. */
  cpuShares?: number | undefined;
  /** Length of a period in microseconds, 1000 to 1000000; not beside `cpus`. Default 100000. */
  cpuPeriodUs?: number | undefined;
  /** Processor time per period in microseconds, at least 1000, -1 is no limit; not beside `cpus`. */
  cpuQuotaUs?: number | undefined;
  /** Processors it may run on, as `0-3,7`. */
  cpusetCpus?: string | undefined;
  /** Memory nodes it may use, as `0`. */
  cpusetMems?: string | undefined;
  /** Limit of memory and swap together, at least `memoryBytes`; -1 is no limit of swap. */
  memorySwapBytes?: number | undefined;
  /** What it is left with when memory is short on the machine. */
  memoryReservationBytes?: number | undefined;
  /**
   * Group to make its own in: absolute below each hierarchy's root, else below the caller's own
   * group. Made where it is missing, and left there. Default `ctr-ts`.
   */
  cgroupParent?: string | undefined;
}

/** With the limits that every verb knows. */
export type Resources = ResourceOptions & {
  cpus?: number | undefined;
  memoryBytes?: number | undefined;
  pidsLimit?: number | undefined;
};

/**
 * Checks the options.
 *
 * @throws CtrError `INVALID_LIMIT`, `INVALID_ARGUMENT`
 */
export function checkResources(options: Resources): void {
  const { cpuShares, cpuPeriodUs, cpuQuotaUs, cpusetCpus, cpusetMems } = options;
  inRange('cpu shares', cpuShares, 2, 262_144);
  inRange('cpu period', cpuPeriodUs, 1_000, 1_000_000);
  if (cpuQuotaUs !== -1) inRange('cpu quota', cpuQuotaUs, 1_000, Number.MAX_SAFE_INTEGER);
  const bandwidth = cpuPeriodUs ?? cpuQuotaUs;
  if (options.cpus !== undefined && bandwidth !== undefined) {
    throw invalid('cpus and a cpu period or quota limit the same', 'give one of the two');
  }
  checkList('cpus', cpusetCpus);
  checkList('memory nodes', cpusetMems);
  checkMemorySizes(options);
  const { cgroupParent } = options;
  if (cgroupParent === undefined) return;
  const parts = cgroupParent.split('/').filter(Boolean);
  if (parts.length === 0 || parts.includes('..') || cgroupParent.includes('\0')) {
    throw new CtrError(
      'INVALID_ARGUMENT',
      `invalid cgroup parent ${JSON.stringify(cgroupParent)}`,
      {
        hint: 'name a group, for example /builds',
      },
    );
  }
}

function checkMemorySizes(options: Resources): void {
  const { memoryBytes, memorySwapBytes: swap, memoryReservationBytes: reservation } = options;
  if (swap !== undefined && swap !== -1) {
    inRange('memory and swap limit', swap, MIN_MEMORY_BYTES, Number.MAX_SAFE_INTEGER);
    if (memoryBytes === undefined) {
      throw invalid('a limit of memory and swap needs one of memory', 'limit memory as well');
    }
    if (swap < memoryBytes) {
      throw invalid(
        `memory and swap limit ${swap} below the memory limit ${memoryBytes}`,
        'it counts memory and swap together; -1 leaves swap unlimited',
      );
    }
  }
  if (reservation === undefined) return;
  inRange('memory reservation', reservation, 1, Number.MAX_SAFE_INTEGER);
  if (memoryBytes !== undefined && reservation > memoryBytes) {
    throw invalid(
      `memory reservation ${reservation} above the memory limit ${memoryBytes}`,
      'reserve at most what the limit allows',
    );
  }
}

/** Whether anything is limited: then the container must not start without its group. */
export function isLimited(options: Resources): boolean {
  const { cpus, memoryBytes, pidsLimit, cpuShares, cpuPeriodUs, cpuQuotaUs } = options;
  const { cpusetCpus, cpusetMems, memorySwapBytes, memoryReservationBytes, cgroupParent } = options;
  const amounts = [cpus, memoryBytes, cpuShares, cpuPeriodUs, cpusetCpus, cpusetMems, cgroupParent];
  const limits = [pidsLimit, cpuQuotaUs, memorySwapBytes, memoryReservationBytes];
  return (
    amounts.some((value) => value !== undefined) ||
    limits.some((value) => value !== undefined && value !== -1)
  );
}

/** The limits as the OCI configuration has them. */
export function buildLimits(options: Resources): Omit<SpecResources, 'devices'> {
  const { cpus, cpuQuotaUs, cpuPeriodUs, cpuShares, cpusetCpus, cpusetMems } = options;
  const bandwidth =
    cpus === undefined ? { quotaUs: cpuQuotaUs, periodUs: cpuPeriodUs } : cpuBandwidth(cpus);
  const cpu = defined({
    quota: bandwidth.quotaUs,
    period: bandwidth.periodUs,
    shares: cpuShares,
    cpus: cpusetCpus,
    mems: cpusetMems,
  });
  const memory = defined({
    limit: options.memoryBytes,
    swap: options.memorySwapBytes,
    reservation: options.memoryReservationBytes,
  });
  return {
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(options.pidsLimit === undefined ? {} : { pids: { limit: options.pidsLimit } }),
  };
}

/** Without the fields that are not set. */
function defined<T extends object>(values: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  const set = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as { [Key in keyof T]?: NonNullable<T[Key]> };
}

function inRange(what: string, value: number | undefined, min: number, max: number): void {
  if (value === undefined) return;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
  throw invalid(`invalid ${what} ${value}`, `write a whole number ${range}`);
}

/** A list of cpuset(7). */
function checkList(what: string, list: string | undefined): void {
  if (list === undefined) return;
  const ranges = list.split(',').every((part) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    return first !== undefined && Number(first) <= Number(last);
  });
  if (!ranges) {
    throw invalid(`invalid list of ${what} ${JSON.stringify(list)}`, 'write numbers as 0-3,7');
  }
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_LIMIT', message, { hint });
}
