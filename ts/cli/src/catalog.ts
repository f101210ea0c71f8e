/** All verbs of ours, by id. Each is loaded only when it is used. */

import { CtrError } from '@ctr-ts/sdk';
import { VERBS_NOT_YET } from './docker-verbs.ts';
import { nearest } from './nearest.ts';
import type { Verb } from './verb.ts';

type Load = () => Promise<{ verb: Verb }>;

/** Verbs that are often typed in loops and scripts: they run without oclif (a third of the start-up). */
export const DIRECT_VERBS: Readonly<Record<string, Load>> = {
  run: () => import('./verbs/run.ts'),
  exec: () => import('./verbs/exec.ts'),
  ps: () => import('./verbs/ps.ts'),
  attach: () => import('./verbs/attach.ts'),
  kill: () => import('./verbs/kill.ts'),
  stop: () => import('./verbs/stop.ts'),
  wait: () => import('./verbs/wait.ts'),
  rm: () => import('./verbs/rm.ts'),
  inspect: () => import('./verbs/inspect.ts'),
  pull: () => import('./verbs/pull.ts'),
  images: () => import('./verbs/images.ts'),
  rmi: () => import('./verbs/rmi.ts'),
  'image inspect': () => import('./verbs/image/inspect.ts'),
  'image ls': () => import('./verbs/image/ls.ts'),
  'image pull': () => import('./verbs/image/pull.ts'),
  'image rm': () => import('./verbs/image/rm.ts'),
  version: () => import('./verbs/version.ts'),
  doctor: () => import('./verbs/doctor.ts'),
  unshare: () => import('./verbs/unshare.ts'),
  explain: () => import('./verbs/explain.ts'),
  'cgroup create': () => import('./verbs/cgroup/create.ts'),
  'cgroup set': () => import('./verbs/cgroup/set.ts'),
  'cgroup attach': () => import('./verbs/cgroup/attach.ts'),
  'cgroup stat': () => import('./verbs/cgroup/stat.ts'),
  'cgroup rm': () => import('./verbs/cgroup/rm.ts'),
  'cgroup tree': () => import('./verbs/cgroup/tree.ts'),
};

/** Verbs that run through oclif, where plugins can add to them. */
export const OCLIF_VERBS: Readonly<Record<string, Load>> = {
  'plugins install': () => import('./verbs/plugins/install.ts'),
  'plugins link': () => import('./verbs/plugins/link.ts'),
  'plugins list': () => import('./verbs/plugins/list.ts'),
  'plugins uninstall': () => import('./verbs/plugins/uninstall.ts'),
  'system prune': () => import('./verbs/system/prune.ts'),
};

/** The verb that `argv` begins with and runs directly, and how many words name it. */
export function findDirect(argv: readonly string[]): { load: Load; words: number } | undefined {
  for (const words of [1, 2]) {
    const id = argv.slice(0, words).join(' ');
    const load = Object.hasOwn(DIRECT_VERBS, id) ? DIRECT_VERBS[id] : undefined;
    if (load && argv.length >= words) return { load, words };
  }
  return undefined;
}

/** Why `argv` names no verb, `others` being those of plugins: docker has it, or nobody. */
export function unknownVerb(argv: readonly string[], others: readonly string[] = []): CtrError {
  const [verb = '', subverb = ''] = argv;
  for (const words of [verb, `${verb} ${subverb}`]) {
    const instead = Object.hasOwn(VERBS_NOT_YET, words) ? VERBS_NOT_YET[words] : undefined;
    if (instead !== undefined) {
      return new CtrError('NOT_YET', `${words} is not there yet`, { hint: instead });
    }
  }
  if (verb.startsWith('-')) {
    return new CtrError('UNKNOWN_FLAG', `unknown flag ${verb} of ctr-ts`, {
      hint: 'ctr-ts --help',
    });
  }
  const ids = [...Object.keys(DIRECT_VERBS), ...Object.keys(OCLIF_VERBS), ...others];
  const topics = new Set(ids.filter((id) => id.includes(' ')).map((id) => id.split(' ')[0] ?? id));
  const typed = topics.has(verb) ? `${verb} ${subverb}` : verb;
  const close = nearest(typed, typed === verb ? [...ids, ...topics, 'help'] : ids);
  return new CtrError('UNKNOWN_COMMAND', `unknown command ${JSON.stringify(typed)}`, {
    hint: close === undefined ? 'ctr-ts --help' : `did you mean ctr-ts ${close}?`,
  });
}

/** Whether docker has this verb and we do not, so far. */
export function isNotYet(verb: string): boolean {
  return Object.hasOwn(VERBS_NOT_YET, verb);
}
