/** What the kill rounds kill: every way in which ctr-ts holds something, and who of it dies. */
import { setTimeout as sleep } from 'node:timers/promises';

import { paths, repositoryNode, root } from '@ctr-ts/dev/repository';

import { ctr, eventually, type Started, start } from './command.ts';
import { childrenOf, containerOf, launcherOf, parentOf } from './family.ts';
import type { OuterGroup } from './outer-group.ts';

/** Something that runs, and the process of it that is to be killed. */
export interface Victim {
  started: Started;
  /** That process, while it is there. */
  find(): number | undefined;
}

export interface Kind {
  name: string;
  /** Which part dies: what is left says so in its own way. */
  part: 'ctr-ts' | 'launcher' | 'container';
  /** It is killed within this many milliseconds. */
  withinMs: number;
  /** Its words are on a terminal: there is no stderr to read. */
  terminal?: boolean;
  start(inside: OuterGroup, images: Images): Promise<Victim>;
}

/** References of a small and of a large image in a registry. */
export interface Images {
  small: string;
  large: string;
}

/** Daemonised, orphaned, in a session of its own: whatever can outlive its parent. */
const program = 'setsid sleep 293 & setsid sh -c "sleep 293 & sleep 293" & sleep 293';
const flags = ['--rm', '--pids-limit', '50'];
const script = `
  import { Container, run } from '@ctr-ts/sdk';
  const running = run({ image: 'host:', command: ['sh', '-c', ${JSON.stringify(program)}], pidsLimit: 50 });
  const container = await Container.create({ image: 'host:' });
  await container.exec(['sh', '-c', ${JSON.stringify(program)}]);
  await running;`;

const WITHIN_MS = 500;
const DETACH_KEYS = '\x10\x11';

export const kinds: readonly Kind[] = [
  ...parts('ctr-ts run', async (inside) =>
    command(inside, ['run', ...flags, 'host:', 'sh', '-c', program]),
  ),
  {
    name: 'a program of the SDK',
    part: 'ctr-ts',
    withinMs: WITHIN_MS,
    start: async (inside) => {
      const words = ['--input-type=module', '--eval', script];
      const started = start(...inside.wrap(repositoryNode(), words), options);
      return { started, find: () => started.pid };
    },
  },
  ...parts('ctr-ts run of an image', async (inside, { small }) =>
    command(inside, ['run', '--pull', 'always', ...flags, small, 'sh', '-c', program]),
  ),
  {
    name: 'a pull',
    part: 'ctr-ts',
    withinMs: 2500,
    start: async (inside, { large }) => {
      // There must be something to pull; not there yet is as good.
      await ctr(['rmi', '-f', large]);
      return part('ctr-ts', command(inside, ['pull', large]));
    },
  },
  ...parts('a terminal session', async (inside) => session(inside), true),
  {
    name: 'the launcher of a detached container',
    part: 'launcher',
    withinMs: WITHIN_MS,
    terminal: true,
    start: async (inside) => {
      const name = `e2e-detached-${process.pid}`;
      const started = session(inside, ['--name', name]).started;
      const container = await eventually('the container', () => runningPid(name));
      started.child.stdin?.write(DETACH_KEYS);
      await started.ended;
      const launcher = parentOf(container);
      return { started, find: () => launcher };
    },
  },
];

const options = { timeoutMs: 20_000, cwd: `${root}/tests` };

/** A Node process of ours, and how to find it: a terminal session hides it behind script(1). */
interface Family {
  started: Started;
  node(): number | undefined;
}

function command(inside: OuterGroup, words: readonly string[]): Family {
  const started = start(...inside.wrap(paths.launcher, words), options);
  return { started, node: () => started.pid };
}

function session(inside: OuterGroup, words: readonly string[] = []): Family {
  const quoted = [paths.launcher, 'run', '-it', ...flags, ...words, 'host:', 'sh', '-c', program]
    .map((word) => `'${word}'`)
    .join(' ');
  const [shell, args] = inside.wrap('script', ['-qec', `exec ${quoted}`, '/dev/null']);
  const started = start(shell, args, { ...options, input: 'open' });
  return { started, node: () => childrenOf(started.pid)[0] };
}

type StartFamily = (inside: OuterGroup, images: Images) => Promise<Family>;

/** The same container three times: its caller, its launcher and itself are killed. */
function parts(name: string, begin: StartFamily, terminal = false): Kind[] {
  return (['ctr-ts', 'launcher', 'container'] as const).map((who) => ({
    name: who === 'ctr-ts' ? name : `the ${who} of ${name}`,
    part: who,
    withinMs: WITHIN_MS,
    terminal,
    start: async (inside, images) => part(who, await begin(inside, images)),
  }));
}

function part(who: Kind['part'], { started, node }: Family): Victim {
  const find = () => {
    const own = node();
    if (who === 'ctr-ts' || own === undefined) return own;
    const launcher = launcherOf(own);
    if (who === 'launcher' || launcher === undefined) return launcher;
    return containerOf(launcher);
  };
  return { started, find };
}

/** PID 1 of the container of that name, once its program runs. */
async function runningPid(name: string): Promise<number | undefined> {
  const { exitCode, stdout } = await ctr(['inspect', name]);
  if (exitCode !== 0) await sleep(50);
  const [container] = exitCode === 0 ? (JSON.parse(stdout) as { pid: number | null }[]) : [];
  return container?.pid ?? undefined;
}
