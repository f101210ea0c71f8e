/** Control groups as text: what there is, what is limited, what is used. */

import { basename } from 'node:path';
import type { CgroupLimited, CgroupNode, CgroupReport, CgroupStat } from '@ctr-ts/sdk';
import { printable } from '../printable.ts';
import { shortId } from './containers.ts';
import { type Cells, type Layout, presentSections } from './sections.ts';
import { formatBytes, table } from './table.ts';

/** What a group was limited to: each file with what was asked for and what the kernel made of it. */
export function presentLimited({ path, directories, written }: CgroupLimited): string {
  const rows = written.map(({ file, requested, value }) => [basename(file), requested, value]);
  const limits = rows.length === 0 ? '' : `\n${table(['FILE', 'WRITTEN', 'IN FORCE'], rows)}`;
  return `${path}\n${directories.map((directory) => `  ${directory}\n`).join('')}${limits}`;
}

/** What a group used up to now, beside its limits. */
export function presentStat({ path, stats, limits, pids }: CgroupStat, layout: Layout): string {
  const { cpu, memory, pids: tasks } = stats;
  const rows: (Cells | false)[] = [
    ['group', path, ''],
    cpu !== null && [
      'cpu',
      `${seconds(cpu.usageUs)} (user ${seconds(cpu.userUs)}, system ${seconds(cpu.systemUs)})`,
      limitOf(limits, ['cpu.cfs_quota_us', 'cpu.max']),
    ],
    cpu !== null &&
      cpu.periods > 0 && [
        'throttled',
        `${cpu.throttledPeriods} of ${cpu.periods} periods`,
        `held back for ${seconds(cpu.throttledUs)}`,
      ],
    memory !== null && [
      'memory',
      memory.peakBytes === null
        ? formatBytes(memory.currentBytes)
        : `${formatBytes(memory.currentBytes)} (at most ${formatBytes(memory.peakBytes)})`,
      memory.limitBytes === null ? 'no limit' : formatBytes(memory.limitBytes),
    ],
    memory !== null && memory.oomKills > 0 && ['out of memory', `${memory.oomKills} killed`, ''],
    tasks !== null && [
      'tasks',
      String(tasks.current),
      tasks.limit === null ? 'no limit' : String(tasks.limit),
    ],
    ['processes', pids.length === 0 ? 'none' : pids.join(' '), ''],
  ];
  const section = {
    title: 'cgroup',
    heading: ['used', 'limit'],
    rows: rows.filter((row) => row !== false),
  } as const;
  return presentSections([section], layout);
}

/** Which controllers there are and where, then our groups. */
export function presentTree(report: CgroupReport, tree: CgroupNode): string {
  const rows = report.hierarchies.map((hierarchy) => [
    hierarchy.mount,
    hierarchy.interface,
    hierarchy.controllers.join(' ') || '-',
    hierarchy.enabledForChildren.join(' ') || '-',
    hierarchy.writable ? 'yes' : 'no',
  ]);
  const heading = ['HIERARCHY', 'KIND', 'CONTROLLERS', 'FOR CHILDREN', 'WRITABLE'];
  const writable = report.writable ? '' : '\nno group can be made here; ctr-ts doctor says why\n';
  return `${table(heading, rows)}${writable}\n${nodeLines(tree).join('\n')}\n`;
}

function nodeLines(node: CgroupNode, lead = '', below = ''): string[] {
  const limits = Object.entries(node.limits).map(([file, value]) => limitText(file, value));
  const pids = `${node.pids} process${node.pids === 1 ? '' : 'es'}`;
  const last = node.children.length - 1;
  return [
    [`${lead}${shortName(node.name)}`, pids, ...limits].join('  '),
    ...node.children.flatMap((child, index) =>
      nodeLines(
        child,
        `${below}${index === last ? '└─ ' : '├─ '}`,
        `${below}${index === last ? '   ' : '│  '}`,
      ),
    ),
  ];
}

/** A group of a container has its id for a name. */
function shortName(name: string): string {
  return /^[0-9a-f]{64}$/.test(name) ? shortId(name) : printable(name);
}

function limitText(file: string, value: string): string {
  const lines = value.trim().split('\n');
  return lines.length === 1 ? `${file}=${value}` : `${file}: ${lines.length} rules`;
}

function limitOf(limits: Readonly<Record<string, string>>, files: readonly string[]): string {
  const file = files.find((name) => limits[name] !== undefined);
  return file === undefined ? 'no limit' : `${file} = ${limits[file]}`;
}

function seconds(us: number): string {
  return `${(us / 1_000_000).toFixed(2)}s`;
}
