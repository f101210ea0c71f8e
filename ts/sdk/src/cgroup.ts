/** Control groups of one's own, outside any container: make, limit, fill, read, remove. */

import { openCore } from './core.ts';
import { checkCpus, checkMemory, checkPids, cpuBandwidth } from './limits.ts';
import type { ContainerOptions } from './options.ts';
import { directories } from './paths.ts';

/** What a group can be limited to. */
export type CgroupLimits = Pick<ContainerOptions, 'cpus' | 'memoryBytes' | 'pidsLimit'>;

/** A group with the files that were written. */
export interface CgroupLimited {
  path: string;
  /** One per hierarchy in use. */
  directories: string[];
  /** What was asked for and what the kernel made of it. */
  written: { file: string; requested: string; value: string }[];
}

/** Which hierarchies and controllers there are. */
export interface CgroupReport {
  version: 'v1' | 'hybrid' | 'v2' | 'none';
  /** Groups can be made, with limits. */
  writable: boolean;
  hierarchies: {
    interface: string;
    controllers: string[];
    enabledForChildren: string[];
    mount: string;
    own: string;
    ownDirectory: string | null;
    /** What our groups are made below; on v2 it may be a group above our own. */
    base: string | null;
    writable: boolean;
    used: boolean;
  }[];
}

/** What a group used; a part is `null` where its controller is missing. */
export interface CgroupStats {
  cpu: {
    usageUs: number;
    userUs: number;
    systemUs: number;
    periods: number;
    throttledPeriods: number;
    throttledUs: number;
  } | null;
  memory: {
    currentBytes: number;
    peakBytes: number | null;
    limitBytes: number | null;
    oomKills: number;
  } | null;
  pids: { current: number; limit: number | null } | null;
}

/** What a group used, beside its limits. */
export interface CgroupStat {
  path: string;
  directories: string[];
  stats: CgroupStats;
  /** Control file and value. */
  limits: Record<string, string>;
  pids: number[];
}

/** A group and those below it. */
export interface CgroupNode {
  name: string;
  directories: string[];
  controllers: string[];
  enabledForChildren: string[];
  limits: Record<string, string>;
  /** Processes in the group itself. */
  pids: number;
  children: CgroupNode[];
}

/**
 * Control groups. A path is below `ctr-ts/` of the caller's own group (on v2: of the nearest group
 * that can limit others, `base` of the report), or with a leading `/` below the root of each
 * hierarchy. Failures are `CGROUP_*` codes with a hint.
 */
export const cgroup = {
  /** Which hierarchies and controllers this machine has. */
  async report(): Promise<CgroupReport> {
    return operate<CgroupReport>({ op: 'report' });
  },
  /** Makes a group; `CGROUP_EXISTS` when there is one. */
  async create(path: string, limits: CgroupLimits = {}): Promise<CgroupLimited> {
    return operate<CgroupLimited>({ op: 'create', path, resources: resources(limits) });
  },
  /** Changes limits; what is not named stays. */
  async set(path: string, limits: CgroupLimits): Promise<CgroupLimited> {
    return operate<CgroupLimited>({ op: 'set', path, resources: resources(limits) });
  },
  /** Moves a process, with all its threads, into the group. */
  async attach(path: string, pid: number): Promise<{ path: string; pid: number }> {
    return operate<{ path: string; pid: number }>({ op: 'attach', path, pid });
  },
  /** What the group used. */
  async stat(path: string): Promise<CgroupStat> {
    return operate<CgroupStat>({ op: 'stat', path });
  },
  /** Removes a group without processes; `CGROUP_BUSY` else. */
  async remove(path: string): Promise<{ path: string; removed: string[] }> {
    return operate<{ path: string; removed: string[] }>({ op: 'remove', path });
  },
  /** A group and those below it; without a path all of ours. */
  async tree(path?: string): Promise<CgroupNode> {
    return operate<CgroupNode>({ op: 'tree', ...(path === undefined ? {} : { path }) });
  },
};

function operate<T>(operation: { op: string; [field: string]: unknown }): T {
  return openCore(directories()).cgroup(operation) as T;
}

function resources({ cpus, memoryBytes, pidsLimit }: CgroupLimits): Record<string, number> {
  const fields: Record<string, number> = {};
  if (cpus !== undefined) {
    checkCpus(cpus);
    const { quotaUs, periodUs } = cpuBandwidth(cpus);
    Object.assign(fields, { cpuQuotaUs: quotaUs, cpuPeriodUs: periodUs });
  }
  if (memoryBytes !== undefined) {
    checkMemory(memoryBytes);
    fields['memoryLimitBytes'] = memoryBytes;
  }
  if (pidsLimit !== undefined) {
    checkPids(pidsLimit);
    fields['pidsLimit'] = pidsLimit;
  }
  return fields;
}
