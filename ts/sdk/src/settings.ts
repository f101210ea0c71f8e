/** What a container was asked to be beside its image, command and limits: kept for `inspect`. */

import type { DeviceOption, DeviceRule } from './devices.ts';
import type { HostEntry } from './etc-files.ts';
import type { ContainerOptions, ImageDefaults } from './options.ts';
import type { Ulimits } from './ulimits.ts';

/** The settings of a container; `null` is the default. JSON-safe. */
export interface Settings {
  domainname: string | null;
  annotations: Record<string, string>;
  addHosts: HostEntry[];
  dns: string[] | null;
  dnsOptions: string[] | null;
  dnsSearch: string[] | null;
  /** Ports it says it serves; nothing is opened. */
  exposedPorts: string[];
  ipc: 'private' | 'host' | 'none';
  uts: 'private' | 'host';
  cgroupns: 'private' | 'host';
  devices: DeviceOption[];
  deviceRules: DeviceRule[];
  groupAdd: string[];
  ulimits: Ulimits;
  sysctls: Record<string, string>;
  oomScoreAdj: number | null;
  shmSizeBytes: number | null;
  /** PID 1 is our init, and the command its child. */
  init: boolean;
  /** What asks it to end, for example `SIGTERM`. */
  stopSignal: string;
  /** How long it may take to end after that; -1 is for ever. */
  stopTimeoutMs: number | null;
  systemPaths: 'hidden' | 'unconfined';
  resources: {
    cpuShares: number | null;
    cpuPeriodUs: number | null;
    cpuQuotaUs: number | null;
    cpusetCpus: string | null;
    cpusetMems: string | null;
    memorySwapBytes: number | null;
    memoryReservationBytes: number | null;
    cgroupParent: string | null;
  };
}

/** The settings that these options ask for. */
export function settingsOf(options: ContainerOptions, image: ImageDefaults): Settings {
  return {
    domainname: options.domainname ?? null,
    annotations: options.annotations ?? {},
    addHosts: options.addHosts ?? [],
    dns: options.dns ?? null,
    dnsOptions: options.dnsOptions ?? null,
    dnsSearch: options.dnsSearch ?? null,
    exposedPorts: options.exposedPorts ?? [],
    ipc: options.ipc ?? 'private',
    uts: options.uts ?? 'private',
    cgroupns: options.cgroupns ?? 'private',
    devices: options.devices ?? [],
    deviceRules: options.deviceRules ?? [],
    groupAdd: options.groupAdd ?? [],
    ulimits: options.ulimits ?? {},
    sysctls: options.sysctls ?? {},
    oomScoreAdj: options.oomScoreAdj ?? null,
    shmSizeBytes: options.shmSizeBytes ?? null,
    init: options.init === true,
    stopSignal: options.stopSignal ?? (image.stopSignal || 'SIGTERM'),
    stopTimeoutMs: options.stopTimeoutMs ?? null,
    systemPaths: options.systemPaths ?? 'hidden',
    resources: {
      cpuShares: options.cpuShares ?? null,
      cpuPeriodUs: options.cpuPeriodUs ?? null,
      cpuQuotaUs: options.cpuQuotaUs ?? null,
      cpusetCpus: options.cpusetCpus ?? null,
      cpusetMems: options.cpusetMems ?? null,
      memorySwapBytes: options.memorySwapBytes ?? null,
      memoryReservationBytes: options.memoryReservationBytes ?? null,
      cgroupParent: options.cgroupParent ?? null,
    },
  };
}
