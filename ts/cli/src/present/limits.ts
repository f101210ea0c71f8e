/** Limits as the files of a control group hold them. */

import type { Plan } from '@ctr-ts/sdk';
import type { Cells } from './sections.ts';
import { formatBytes } from './table.ts';

type Resources = NonNullable<Plan['cgroup']>['resources'];

/** A row for each limit that is set: the file (v1, v2), what is written, what it means. */
export function limitRows(resources: Resources): Cells[] {
  const { cpuQuotaUs, cpuPeriodUs, memoryLimitBytes, memorySwapBytes, pidsLimit } = resources;
  const { cpuShares, cpusetCpus, cpusetMems, memoryReservationBytes, devices } = resources;
  const periodUs = cpuPeriodUs ?? 100_000;
  const rows: (Cells | false)[] = [
    cpuQuotaUs !== null && [
      'cpu',
      both('cpu.cfs_quota_us', 'cpu.max', cpuQuotaUs),
      cpuMeaning(cpuQuotaUs, periodUs),
    ],
    cpuShares !== null && [
      'cpu',
      both('cpu.shares', 'cpu.weight', cpuShares),
      'weight against its neighbours',
    ],
    cpusetCpus !== null && ['cpuset', `cpuset.cpus = ${cpusetCpus}`, 'these processors only'],
    cpusetMems !== null && ['cpuset', `cpuset.mems = ${cpusetMems}`, 'these memory nodes only'],
    memoryLimitBytes !== null && [
      'memory',
      both('memory.limit_in_bytes', 'memory.max', memoryLimitBytes),
      amount(memoryLimitBytes),
    ],
    memorySwapBytes !== null && [
      'memory',
      both('memory.memsw.limit_in_bytes', 'memory.swap.max', memorySwapBytes),
      `${amount(memorySwapBytes)} with swap`,
    ],
    memoryReservationBytes !== null && [
      'memory',
      both('memory.soft_limit_in_bytes', 'memory.low', memoryReservationBytes),
      `${amount(memoryReservationBytes)} wanted`,
    ],
    pidsLimit !== null && [
      'pids',
      `pids.max = ${pidsLimit}`,
      pidsLimit < 0 ? 'no limit' : `${pidsLimit} processes and threads`,
    ],
    devices.length > 0 && [
      'devices',
      `devices.allow, ${devices.length} rules`,
      deviceMeaning(devices),
    ],
  ];
  return rows.filter((row) => row !== false);
}

function both(v1: string, v2: string, value: number): string {
  return `${v1} (v2: ${v2}) = ${value}`;
}

function cpuMeaning(quotaUs: number, periodUs: number): string {
  return quotaUs < 0 ? 'no limit' : `${Number((quotaUs / periodUs).toFixed(3))} of a processor`;
}

function amount(bytes: number): string {
  return bytes < 0 ? 'no limit' : formatBytes(bytes);
}

function deviceMeaning(rules: Resources['devices']): string {
  const allowed = rules.filter((rule) => rule.allow);
  const numbers = allowed.map(
    ({ kind, major, minor }) => `${kind ?? 'any'} ${major ?? '*'}:${minor ?? '*'}`,
  );
  return `all denied but ${numbers.join(', ')}`;
}
