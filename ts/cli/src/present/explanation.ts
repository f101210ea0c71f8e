/** A running container, as the host sees it beside as it sees itself. */

import { basename, dirname } from 'node:path';
import type { Explanation, IdMapView, MountView } from '@ctr-ts/sdk';
import { seccompSection } from './seccomp.ts';
import { type Cells, type Layout, presentSections, type Section } from './sections.ts';

const SIDES = ['outside', 'inside'] as const;
/** More processes than this are counted, not named. */
const MAX_PROCESSES = 8;

/** Everything as text. */
export function presentExplanation(explanation: Explanation, layout: Layout): string {
  return presentSections(explanationSections(explanation), layout);
}

/** One section for each kind of isolation. */
export function explanationSections(explanation: Explanation): Section[] {
  const { plan } = explanation;
  const sections: Section[] = [
    { title: 'process', heading: SIDES, rows: processRows(explanation) },
    { title: 'namespaces', heading: SIDES, rows: namespaceRows(explanation) },
    { title: 'mounts', heading: SIDES, rows: mountRows(explanation) },
    { title: 'cgroup', heading: SIDES, rows: cgroupRows(explanation) },
    { title: 'cgroup files', heading: ['value', 'directory'], rows: fileRows(explanation) },
    { title: 'capabilities', heading: SIDES, rows: capabilityRows(explanation) },
    seccompSection(plan.process.seccomp),
  ];
  return sections.filter((section) => section.rows.length > 0);
}

function processRows({ outside, inside }: Explanation): Cells[] {
  const { processes, interfaces } = inside;
  const named = processes.map(({ pid, command }) => `${pid} ${command}`);
  const sight =
    processes.length > MAX_PROCESSES ? `${processes.length} processes` : named.join(', ');
  return [
    ['pid', String(outside.pid), '1'],
    ['user', `${outside.uid}:${outside.gid}`, `${inside.uid}:${inside.gid}`],
    ['host name', outside.hostname, inside.hostname],
    ['in sight', 'every process', sight],
    ['interfaces', '', interfaces.join(' ') || 'none'],
    ['no new privileges', yesNo(outside.noNewPrivileges), yesNo(inside.noNewPrivileges)],
    ['seccomp', outside.seccomp, inside.seccomp],
  ];
}

function namespaceRows({ outside, inside }: Explanation): Cells[] {
  const rows = outside.namespaces.map(({ kind, inode, own }): Cells => {
    const seen = inside.namespaces.find((namespace) => namespace.kind === kind);
    return [
      kind,
      `${inode} ${own ? 'its own' : "the caller's"}`,
      seen ? String(seen.inode) : 'hidden',
    ];
  });
  return [
    ...rows,
    ['uid map', mapText(outside.uidMap), mapText(inside.uidMap)],
    ['gid map', mapText(outside.gidMap), mapText(inside.gidMap)],
  ];
}

function mapText(lines: readonly IdMapView[]): string {
  // The kernel shows the outer side as the reader's own namespace numbers it.
  return lines.map(({ inside, outside, count }) => `${inside} is ${outside} (${count})`).join(', ');
}

function mountRows({ outside, inside }: Explanation): Cells[] {
  return outside.mounts.map((mount): Cells => {
    const seen = inside.mounts.some(({ target }) => target === mount.target);
    return [mount.target, sourceText(mount), seen ? optionText(mount) : 'not in sight'];
  });
}

/** The mount's own options come first; what the whole file system allows says no more. */
function optionText({ options }: MountView): string {
  const readonly = options[0] === 'ro';
  return options.filter((option) => !(readonly && option === 'rw')).join(',');
}

function sourceText({ type, source, root }: MountView): string {
  const origin = source === type || source === 'none' ? type : `${type} ${source}`;
  return root === '/' ? origin : `${origin} ${root}`;
}

function cgroupRows({ outside, inside }: Explanation): Cells[] {
  return outside.cgroups.map(({ hierarchy, path }): Cells => {
    const seen = inside.cgroups.find((group) => group.hierarchy === hierarchy);
    return [hierarchy, path, seen?.path ?? 'hidden'];
  });
}

function fileRows({ cgroupFiles }: Explanation): Cells[] {
  return cgroupFiles.map(({ file, value }, index): Cells => {
    const directory = dirname(file);
    const before = cgroupFiles[index - 1];
    const repeated = before !== undefined && dirname(before.file) === directory;
    return [basename(file), value.replace(/\n/g, ', '), repeated ? '' : directory];
  });
}

function capabilityRows({ outside, inside, plan }: Explanation): Cells[] {
  const confined = plan.namespaces.some(({ kind }) => kind === 'user');
  return Object.entries(inside.capabilities).map(([set, names]): Cells => {
    const text = names.length === 0 ? 'none' : names.join(' ');
    const held = outside.capabilities[set as keyof typeof outside.capabilities];
    const same = held.join() === names.join();
    if (names.length === 0 && same) return [set, 'none', 'none'];
    return [
      set,
      confined ? 'none: own user namespace only' : same ? 'the same' : held.join(' '),
      text,
    ];
  });
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
