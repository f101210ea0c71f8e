/** The Plan of a container that does not exist yet: what the host gives, what it becomes inside. */

import type { Plan } from '@ctr-ts/sdk';
import { capabilityNames } from './capabilities.ts';
import { limitRows } from './limits.ts';
import { seccompSection } from './seccomp.ts';
import { type Layout, presentSections, type Section } from './sections.ts';

const KINDS = ['user', 'pid', 'mount', 'uts', 'ipc', 'network', 'cgroup', 'time'] as const;
const SIDES = ['outside', 'inside'] as const;

/** The whole Plan as text. */
export function presentPlan(plan: Plan, layout: Layout): string {
  return presentSections(planSections(plan), layout);
}

/** The Plan's sections, in the order in which they are applied. */
export function planSections(plan: Plan): Section[] {
  return [
    { title: 'namespaces', heading: SIDES, rows: KINDS.map((kind) => namespaceRow(plan, kind)) },
    { title: 'mounts', heading: SIDES, rows: [rootRow(plan), ...plan.mounts.map(mountRow)] },
    { title: 'devices', heading: SIDES, rows: deviceRows(plan) },
    { title: 'hidden paths', heading: SIDES, rows: hiddenRows(plan) },
    { title: 'kernel parameters', heading: SIDES, rows: plan.sysctls.map(sysctlRow) },
    { title: 'cgroup files', heading: SIDES, rows: cgroupRows(plan) },
    { title: 'process', heading: SIDES, rows: processRows(plan) },
    { title: 'capabilities', heading: SIDES, rows: capabilityRows(plan) },
    seccompSection(plan.process.seccomp),
  ].filter((section) => section.rows.length > 0);
}

type Kind = (typeof KINDS)[number];
type Row = Section['rows'][number];

function namespaceRow(plan: Plan, kind: Kind): Row {
  const namespace = plan.namespaces.find((entry) => entry.kind === kind);
  if (namespace === undefined) return [kind, "the caller's", 'the same'];
  if (namespace.path !== null) return [kind, `joins ${namespace.path}`, 'shared with it'];
  return [kind, 'new', insideOf(plan, kind)];
}

function insideOf(plan: Plan, kind: Kind): string {
  const { idMaps, hostname, domainname, loopback, mounts, process } = plan;
  switch (kind) {
    case 'user':
      return idMaps === null || idMaps === 'inherit'
        ? "every id its owner's namespace has"
        : idMaps.explicit.uids
            .map(
              ({ containerId, hostId, size }) =>
                `uid ${containerId} is ${hostId} outside (${size})`,
            )
            .join(', ');
    case 'pid':
      return `PID 1 is ${programName(process.program)}`;
    case 'mount':
      return `a root and ${mounts.length} mounts of its own`;
    case 'uts':
      return domainname === null
        ? `host name ${hostname ?? 'of the host'}`
        : `host name ${hostname ?? 'of the host'}, domain ${domainname}`;
    case 'ipc':
      return 'no queue or segment of the host';
    case 'network':
      return loopback ? 'lo only, up' : 'lo only, down';
    case 'cgroup':
      return 'its own group is the root';
    case 'time':
      return 'clocks of its own';
  }
}

function programName(program: Plan['process']['program']): string {
  return 'args' in program ? (program.args[0] ?? '') : program.kind;
}

function rootRow({ root: { source, attributes } }: Plan): Row {
  if (source.kind === 'bind') return ['/', source.path, optionList(attributes)];
  const { lower, upper } = source;
  const writes = upper.kind === 'tmpfs' ? 'memory' : upper.path;
  return ['/', `overlay of ${lower.join(', ')}; writes go to ${writes}`, optionList(attributes)];
}

function mountRow({ destination, source, attributes, optional }: Plan['mounts'][number]): Row {
  const options = optionList(attributes);
  const inside = optional ? `${options}; left out where refused` : options;
  if (source.kind === 'bind') return [destination, source.path, inside];
  if (source.kind === 'cgroup') return [destination, 'its own cgroups', inside];
  if (source.kind === 'content') return [destination, contentOf(source.text), inside];
  const parameters = source.parameters.map(([name, value]) =>
    value === null ? name : `${name}=${value}`,
  );
  return [destination, [source.fsType, ...parameters].join(' '), inside];
}

/** The first line of a file and how many there are. */
function contentOf(text: string): string {
  const lines = text.split('\n').filter(Boolean);
  if (lines.length === 0) return 'an empty file';
  const first = JSON.stringify(lines[0]);
  return lines.length === 1 ? `a file: ${first}` : `a file of ${lines.length} lines: ${first}, ...`;
}

function optionList(attributes: Plan['root']['attributes']): string {
  const { readonly, nosuid, nodev, noexec, nosymfollow } = attributes;
  const flags = Object.entries({ nosuid, nodev, noexec, nosymfollow }).filter(([, set]) => set);
  return [readonly ? 'ro' : 'rw', ...flags.map(([name]) => name)].join(',');
}

function deviceRows({ devices, devLinks }: Plan): Row[] {
  const nodes = devices.map(
    ({ path, kind, major, minor, mode }): Row => [
      path,
      `${kind} ${major}:${minor}`,
      `mode ${mode.toString(8).padStart(4, '0')}`,
    ],
  );
  return [...nodes, ...devLinks.map(([path, target]): Row => [path, 'link', `to ${target}`])];
}

function hiddenRows({ maskedPaths, readonlyPaths }: Plan): Row[] {
  return [
    ...maskedPaths.map((path): Row => [path, 'as the host has it', 'empty']),
    ...readonlyPaths.map((path): Row => [path, 'as the host has it', 'read-only']),
  ];
}

function sysctlRow([name, value]: Plan['sysctls'][number]): Row {
  return [name, 'the host keeps its own', value];
}

function cgroupRows({ cgroup }: Plan): Row[] {
  if (cgroup === null) return [['group', "the owner's own", 'not limited']];
  const { path, policy, resources } = cgroup;
  return [['group', path, `/ (${policy})`], ...limitRows(resources)];
}

function processRows(plan: Plan): Row[] {
  const { program, user, cwd, env, noNewPrivileges, rlimits, oomScoreAdj, terminal } = plan.process;
  const identity = user.lookup ?? `${user.uid}:${user.gid}`;
  const groups = [...user.additionalGids, ...user.lookupGroups];
  return [
    ['program', '', programLine(program)],
    ['user', outsideUser(plan), identity],
    ...(groups.length > 0 ? [['further groups', '', groups.join(' ')] satisfies Row] : []),
    ['working directory', '', cwd],
    ['environment', '', env.join(' ')],
    ...(terminal ? [['terminal', 'held by the owner', '/dev/pts/N'] satisfies Row] : []),
    ['no new privileges', '', noNewPrivileges ? 'yes' : 'no: set-id programs work'],
    ...(oomScoreAdj === null ? [] : [['oom_score_adj', '', String(oomScoreAdj)] satisfies Row]),
    ...rlimits.map(
      ({ resource, soft, hard }): Row => [resource, '', `${limitOf(soft)} of ${limitOf(hard)}`],
    ),
  ];
}

function programLine(program: Plan['process']['program']): string {
  if (program.kind === 'command') return program.args.join(' ');
  return 'args' in program ? `our init, then ${program.args.join(' ')}` : program.kind;
}

/** RLIM_INFINITY is beyond what a JavaScript number holds exactly. */
function limitOf(value: number): string {
  return value > Number.MAX_SAFE_INTEGER ? 'unlimited' : String(value);
}

/** Who the process is to the host, where the plan can tell. */
function outsideUser({ idMaps, namespaces, process: { user } }: Plan): string {
  if (user.lookup !== null) return 'as the image says';
  if (!namespaces.some(({ kind }) => kind === 'user')) return `${user.uid}:${user.gid}`;
  if (idMaps === null || idMaps === 'inherit') return "as its owner's namespace maps it";
  const { uids, gids } = idMaps.explicit;
  return `${hostId(uids, user.uid)}:${hostId(gids, user.gid)}`;
}

function hostId(maps: { containerId: number; hostId: number; size: number }[], id: number): string {
  const map = maps.find(({ containerId, size }) => id >= containerId && id < containerId + size);
  return map === undefined ? 'unmapped' : String(map.hostId + id - map.containerId);
}

function capabilityRows({ namespaces, process: { capabilities } }: Plan): Row[] {
  const confined = namespaces.some(({ kind }) => kind === 'user');
  const outside = confined ? 'none: own user namespace only' : 'the same';
  return Object.entries(capabilities).map(([set, mask]): Row => {
    const names = capabilityNames(mask);
    return [set, names.length > 0 ? outside : 'none', names.length > 0 ? names.join(' ') : 'none'];
  });
}
