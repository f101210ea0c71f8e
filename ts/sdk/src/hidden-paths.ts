/** Kernel files that a container must not read or write although they are in its /proc and /sys. */

/** A path and what an attacker would get from it. */
export interface HiddenPath {
  path: string;
  reason: string;
}

/** Hidden: reading them tells about the host or lets a container influence it. */
export const MASKED_PATHS: readonly HiddenPath[] = [
  { path: '/proc/acpi', reason: 'switches hardware of the host (CVE-2018-10892)' },
  { path: '/proc/asound', reason: 'shows what the host plays and records' },
  { path: '/proc/interrupts', reason: 'interrupt counts are a side channel on other tenants' },
  { path: '/proc/kcore', reason: 'the memory of the host' },
  { path: '/proc/keys', reason: 'kernel keys are not namespaced' },
  { path: '/proc/latency_stats', reason: 'stacks and names of processes of the host' },
  { path: '/proc/sched_debug', reason: 'names of processes of the host and their cgroups' },
  { path: '/proc/scsi', reason: 'removes disks of the host (CVE-2017-16539)' },
  { path: '/proc/timer_list', reason: 'kernel addresses and processes of the host' },
  { path: '/proc/timer_stats', reason: 'kernel addresses and processes of the host' },
  { path: '/sys/devices/virtual/powercap', reason: 'power use leaks secrets (CVE-2020-8694)' },
  { path: '/sys/firmware', reason: 'firmware tables with serial numbers and keys' },
];

/** Read-only: writing to them changes the host. */
export const READONLY_PATHS: readonly HiddenPath[] = [
  { path: '/proc/bus', reason: 'configures PCI devices' },
  { path: '/proc/fs', reason: 'tunes file systems of the host' },
  { path: '/proc/irq', reason: 'moves interrupts of the host' },
  { path: '/proc/sys', reason: 'kernel parameters that are not namespaced' },
  { path: '/proc/sysrq-trigger', reason: 'reboots or crashes the host' },
];

/** One row per processor: thermal throttling counts are a side channel on other tenants. */
export function thermalPaths(processors: readonly number[]): string[] {
  return processors.map((n) => `/sys/devices/system/cpu/cpu${n}/thermal_throttle`);
}
