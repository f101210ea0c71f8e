/** The control group of a plan as steps: directories, and the limits written in them. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plan } from '@ctr-ts/sdk';
import type { Step } from './plan-steps.ts';

/** A directory of the floor's group. */
export interface GroupPlace {
  version: 1 | 2;
  directory: string;
  controllers: readonly string[];
}

type Resources = NonNullable<Plan['cgroup']>['resources'];

/** Which directories are made, and what is written in them before anything enters. */
export function groupSteps(plan: Plan, places: readonly GroupPlace[]): Step[] {
  const resources = plan.cgroup?.resources;
  const steps: Step[] = places.map(({ version, directory }) => ['group', version, directory]);
  if (!resources) return steps;
  for (const place of places) {
    for (const [file, value] of limits(place, resources)) {
      if (value !== null) steps.push(['limit', join(place.directory, file), value]);
    }
  }
  return steps;
}

type Limit = [file: string, value: string | number | null];

function limits(place: GroupPlace, resources: Resources): Limit[] {
  const all = place.version === 1 ? limitsOfV1(place, resources) : limitsOfV2(resources);
  const limits: Limit[] = [];
  for (const [controller, rows] of Object.entries(all)) {
    if (place.controllers.includes(controller)) limits.push(...rows);
  }
  return limits;
}

function limitsOfV1(place: GroupPlace, resources: Resources): Record<string, Limit[]> {
  return {
    // A new v1 cpuset is empty, and nothing can enter an empty one.
    cpuset: [
      ['cpuset.cpus', resources.cpusetCpus ?? inherited(place, 'cpuset.cpus')],
      ['cpuset.mems', resources.cpusetMems ?? inherited(place, 'cpuset.mems')],
    ],
    cpu: [
      ['cpu.shares', resources.cpuShares],
      ['cpu.cfs_period_us', resources.cpuPeriodUs],
      ['cpu.cfs_quota_us', resources.cpuQuotaUs],
    ],
    memory: [['memory.limit_in_bytes', resources.memoryLimitBytes]],
    pids: [['pids.max', pidsMax(resources)]],
    devices: resources.devices.flatMap((rule) => {
      const file = rule.allow ? 'devices.allow' : 'devices.deny';
      return deviceLines(rule).map((line): Limit => [file, line]);
    }),
  };
}

/** Device rules are a program there, which the floor leaves out. */
function limitsOfV2(resources: Resources): Record<string, Limit[]> {
  const { cpuQuotaUs, cpuPeriodUs } = resources;
  return {
    cpu: [['cpu.max', cpuQuotaUs === null ? null : `${cpuQuotaUs} ${cpuPeriodUs ?? 100_000}`]],
    memory: [['memory.max', resources.memoryLimitBytes]],
    pids: [['pids.max', pidsMax(resources)]],
  };
}

function pidsMax({ pidsLimit }: Resources): string | number | null {
  return pidsLimit === -1 ? 'max' : pidsLimit;
}

function inherited({ directory, controllers }: GroupPlace, file: string): string | null {
  if (!controllers.includes('cpuset')) return null;
  return readFileSync(join(dirname(directory), file), 'utf8').trim();
}

function deviceLines(rule: Resources['devices'][number]): string[] {
  const access = `${rule.read ? 'r' : ''}${rule.write ? 'w' : ''}${rule.mknod ? 'm' : ''}`;
  if (rule.kind === null && rule.major === null && rule.minor === null && access === 'rwm')
    return ['a'];
  const kinds = rule.kind === null ? ['b', 'c'] : [rule.kind === 'block' ? 'b' : 'c'];
  return kinds.map((kind) => `${kind} ${rule.major ?? '*'}:${rule.minor ?? '*'} ${access}`);
}
