/** What the kernel counted for the control group of a process. Reads its files directly, so that it can contradict us. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CpuUsage {
  usageNs: number;
  /** How often the group was stopped for having used up its share. */
  throttled: number;
  /** Monotonic time of the reading. */
  readAtNs: number;
  file: string;
}

const mounts = '/sys/fs/cgroup';

export function cpuUsageOf(pid: number): CpuUsage {
  const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [id, controllers = '', ...path] = line.split(':');
      return { id, controllers: controllers.split(','), path: path.join(':') };
    });
  const directoryOf = (controller: string) => {
    const group = groups.find((row) => row.controllers.includes(controller));
    return group && join(mounts, controller, group.path);
  };
  const cpu = directoryOf('cpu');
  const cpuacct = directoryOf('cpuacct');
  const readAtNs = Number(process.hrtime.bigint());
  if (cpu && cpuacct && existsSync(cpuacct)) {
    const file = join(cpuacct, 'cpuacct.usage');
    return {
      usageNs: Number(readFileSync(file, 'utf8')),
      throttled: counter(join(cpu, 'cpu.stat'), 'nr_throttled'),
      readAtNs,
      file,
    };
  }
  const unified = groups.find((row) => row.id === '0');
  const file = join(mounts, unified?.path ?? '', 'cpu.stat');
  return {
    usageNs: counter(file, 'usage_usec') * 1000,
    throttled: counter(file, 'nr_throttled'),
    readAtNs,
    file,
  };
}

function counter(file: string, name: string): number {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(readFileSync(file, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`no ${name} in ${file}`);
  return Number(found);
}
