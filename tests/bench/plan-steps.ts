/**
 * A Plan as the flat list of steps that floor.c carries out. One line is one step, in the order in
 * which init does them; fields are separated by tabs.
 */
import type { Plan } from '@ctr-ts/sdk';
import { type GroupPlace, groupSteps } from './group-steps.ts';
import { hideSteps, rootSteps, treeSteps } from './tree-steps.ts';

/** One step: a verb of floor.c and its fields. */
export type Step = (string | number)[];

/** What a plan leaves to the machine, looked up in a running container of the same plan. */
export interface Situation {
  /** Directories of the floor's own group. */
  groups: readonly GroupPlace[];
  /** Controller lists of the v1 hierarchies, as in /proc/PID/cgroup. */
  hierarchies: readonly string[];
  /** File with the compiled filter; `undefined` leaves the filter out. */
  filterFile: string | undefined;
  /** The last capability the kernel knows. */
  lastCapability: number;
}

/** The flat text of a plan. */
export function planText(plan: Plan, situation: Situation): string {
  const steps: Step[] = [
    ...groupSteps(plan, situation.groups),
    ...namespaceSteps(plan, situation.groups),
    ...nameSteps(plan),
    ...valueSteps(plan),
    ['private'],
    ...rootSteps(plan),
    ...treeSteps(plan, situation.hierarchies),
    ...hideSteps(plan),
    ['pivot'],
    ...processSteps(plan, situation),
  ];
  return `${steps.map((step) => step.join('\t')).join('\n')}\n`;
}

const CLONE_FLAGS: Readonly<Record<string, number>> = {
  user: 0x1000_0000,
  pid: 0x2000_0000,
  mount: 0x0002_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  network: 0x4000_0000,
  cgroup: 0x0200_0000,
};

function namespaceSteps(plan: Plan, groups: readonly GroupPlace[]): Step[] {
  const kinds = plan.namespaces.filter((one) => one.path === null).map((one) => one.kind);
  // A v1 group is entered after clone, and the namespace that has it as its root is made after that.
  const late = kinds.includes('cgroup') && groups.some((group) => group.version === 1);
  const early = kinds.filter((kind) => !(late && kind === 'cgroup'));
  const flags = early.reduce((sum, kind) => sum + (CLONE_FLAGS[kind] ?? 0), 0);
  return [
    ['clone', flags],
    ...(groups.length > 0 ? [['enter-groups']] : []),
    ...(late ? [['unshare', CLONE_FLAGS['cgroup'] ?? 0]] : []),
  ];
}

function nameSteps(plan: Plan): Step[] {
  const steps: Step[] = [];
  if (plan.hostname !== null) steps.push(['hostname', plan.hostname]);
  if (plan.domainname !== null) steps.push(['domainname', plan.domainname]);
  if (plan.loopback) steps.push(['loopback']);
  return steps;
}

/** Values written through the host's procfs, which shows the writer's own namespaces. */
function valueSteps(plan: Plan): Step[] {
  const steps: Step[] = plan.sysctls.map(([name, value]) => {
    const path = [...name].map((letter) => ({ '.': '/', '/': '.' })[letter] ?? letter).join('');
    return ['write', `/proc/sys/${path}`, value];
  });
  const score = plan.process.oomScoreAdj;
  if (score !== null) steps.push(['write', '/proc/self/oom_score_adj', score]);
  return steps;
}

const RLIMITS = [
  ...['CPU', 'FSIZE', 'DATA', 'STACK', 'CORE', 'RSS', 'NPROC', 'NOFILE'],
  ...['MEMLOCK', 'AS', 'LOCKS', 'SIGPENDING', 'MSGQUEUE', 'NICE', 'RTPRIO', 'RTTIME'],
];

function processSteps({ process }: Plan, situation: Situation): Step[] {
  if (process.program.kind !== 'command') throw new Error('the floor only runs a command');
  const { user, capabilities: sets } = process;
  const filter: Step[] = situation.filterFile ? [['filter', situation.filterFile]] : [];
  const steps: Step[] = process.rlimits.map(({ resource, soft, hard }) => [
    'rlimit',
    RLIMITS.indexOf(resource.replace('RLIMIT_', '')),
    soft,
    hard,
  ]);
  if (user.umask !== null) steps.push(['umask', user.umask]);
  if (!process.noNewPrivileges) steps.push(...filter);
  steps.push(
    ['bounding', hex(sets.bounding), situation.lastCapability],
    ['keep-capabilities', 1],
    ['groups', ...user.additionalGids],
    ['user', user.uid, user.gid],
    ['keep-capabilities', 0],
    ['capabilities', hex(sets.effective), hex(sets.permitted), hex(sets.inheritable)],
  );
  if (Number(sets.ambient) !== 0) steps.push(['ambient', hex(sets.ambient)]);
  steps.push(['cwd', process.cwd]);
  if (process.noNewPrivileges) steps.push(['no-new-privileges'], ...filter);
  steps.push(...process.program.args.map((word) => ['argument', word]));
  steps.push(...process.env.map((line) => ['variable', line]));
  return steps;
}

function hex(mask: number | bigint): string {
  return `0x${mask.toString(16)}`;
}
