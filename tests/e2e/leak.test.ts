/**
 * Death at any moment: of ctr-ts, of a program that uses the SDK, of the launcher, of the container.
 * CTR_TS_ROUNDS says how often (default 50), CTR_TS_SEED repeats a run.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { paths, repositoryNode, root } from '@ctr-ts/dev/repository';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  type CommandOptions,
  ctr,
  eventually,
  must,
  type Started,
  start,
} from './support/command.ts';
import { containerOf, launcherOf } from './support/family.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { makeOuterGroup, type OuterGroup } from './support/outer-group.ts';

const rounds = Number(process.env.CTR_TS_ROUNDS ?? 50);
const seed = Number(process.env.CTR_TS_SEED ?? Date.now() % 1_000_000);

let outer: OuterGroup | undefined;
let before: Machine;
beforeAll(async () => {
  await ctr(['system', 'prune', '-f']);
  outer = makeOuterGroup();
  before = snapshot();
});
afterAll(() => outer?.close());

/** Numbers from 0 to 1 that the seed repeats. */
function makeRandom(state: number): () => number {
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const program = 'setsid sleep 293 & setsid sh -c "sleep 293 & sleep 293" & sleep 293';
const cli = ['run', '--rm', '--pids-limit', '50', 'host:', 'sh', '-c', program];
const script = `
  import { Container, run } from '@ctr-ts/sdk';
  const running = run({ image: 'host:', command: ['sh', '-c', ${JSON.stringify(program)}], pidsLimit: 50 });
  const container = await Container.create({ image: 'host:' });
  await container.exec(['sh', '-c', ${JSON.stringify(program)}]);
  await running;`;

const kinds = ['ctr-ts', 'a program of the SDK', 'the launcher', 'the container'] as const;

function startOne(kind: (typeof kinds)[number], inside: OuterGroup): Started {
  const options: CommandOptions = { timeoutMs: 20_000, cwd: `${root}/tests` };
  if (kind !== 'a program of the SDK') return start(...inside.wrap(paths.launcher, cli), options);
  const words = ['--input-type=module', '--eval', script];
  return start(...inside.wrap(repositoryNode(), words), options);
}

test(`${rounds} runs, half of them killed at a random moment (seed ${seed})`, {
  timeout: 30_000 + rounds * 5000,
}, async ({ skip }) => {
  if (outer === undefined)
    return skip('no pids and memory controllers of version 1 for the outer group');
  const inside = outer;
  const random = makeRandom(seed);
  const told: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const [command, words] = inside.wrap(paths.launcher, ['run', '--rm', 'host:', 'true']);
      await must(command, words);
      continue;
    }
    const kind = kinds[((round - 1) / 2) % kinds.length] ?? 'ctr-ts';
    const started = startOne(kind, inside);
    const momentMs = Math.floor(random() * 500);
    await sleep(momentMs);
    told.push(`${kind} after ${momentMs} ms`);
    let killedAt = await killVictim(kind, started);
    if (kind === 'the launcher' && !(await hasEnded(started))) {
      // It died between two calls, and the second one has started another.
      killedAt = await killVictim(kind, started);
    }
    if (kind === 'the launcher' || kind === 'the container') await started.ended;
    await eventually(
      `the end of all after the death of ${told.at(-1)}`,
      () => inside.members().length === 0,
      5000,
    );
    const goneMs = performance.now() - killedAt;
    // Node itself takes a part of it when it has to notice and end; what counts is the container's end.
    expect(goneMs, told.at(-1)).toBeLessThan(kind === 'the launcher' ? 2000 : 1000);
    const ended = await started.ended;
    if (kind === 'the launcher') {
      expect(ended, ended.stderr).toMatchObject({ exitCode: 125 });
      // Lost before it had said hello, or afterwards.
      expect(ended.stderr).toMatch(/\[RUNTIME_(LOST|START)\]/);
    }
    if (kind === 'the container' && ended.exitCode !== 137) {
      // Killed before its program was executed.
      expect(ended, ended.stderr).toMatchObject({ exitCode: 125 });
      expect(ended.stderr).toContain('[INIT_DIED]');
    }
  }
  console.log(`killed: ${told.join(', ')}`);
});

/** When it was killed. */
async function killVictim(kind: (typeof kinds)[number], started: Started): Promise<number> {
  process.kill(await victimOf(kind, started), 'SIGKILL');
  return performance.now();
}

async function hasEnded({ ended }: Started): Promise<boolean> {
  return Promise.race([ended.then(() => true), sleep(500, false)]);
}

async function victimOf(kind: (typeof kinds)[number], { pid }: Started): Promise<number> {
  if (kind === 'ctr-ts' || kind === 'a program of the SDK') return pid;
  const launcher = await eventually('the launcher', () => launcherOf(pid));
  if (kind === 'the launcher') return launcher;
  return eventually('the container', () => containerOf(launcher));
}

test('after system prune nothing of it is on the machine', async () => {
  const pruned = await ctr(['system', 'prune', '-f', '--json']);
  expect(pruned.exitCode, pruned.stdout).toBe(0);
  const left = await leftSince(before);
  expect(left.filter((line) => !line.includes('/ctr-test-'))).toEqual([]);
  expect((await ctr(['ps', '-aq'])).stdout).toBe('');
});

test('prune touches nothing that has a living owner', async () => {
  const started = start(
    paths.launcher,
    ['run', '--rm', '-i', '--name', 'e2e-alive', 'host:', 'sh', '-c', 'echo up; read x; echo end'],
    { input: 'open' },
  );
  await started.until(/up/);
  await must(paths.launcher, ['system', 'prune', '-f']);
  expect((await ctr(['exec', 'e2e-alive', 'true'])).exitCode).toBe(0);
  started.child.stdin?.end('\n');
  expect(await started.ended).toMatchObject({ exitCode: 0, stdout: 'up\nend\n' });
});

test('a launcher that is killed fails every pending call with RUNTIME_LOST, and the next call works', async () => {
  const source = `
    import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
    import { Container, run } from '@ctr-ts/sdk';
    const sleeping = { image: 'host:', command: ['sleep', '292'] };
    const container = await Container.create({ image: 'host:' });
    const pending = [run(sleeping), run(sleeping), container.exec(['sleep', '292'])];
    await Promise.all(pending.map((process) => process.started));
    const own = readlinkSync('/proc/self/ns/pid');
    const children = readdirSync('/proc/self/task').flatMap((thread) =>
      readFileSync('/proc/self/task/' + thread + '/children', 'utf8').split(' ').filter(Boolean));
    const launcher = children.find((pid) => readlinkSync('/proc/' + pid + '/ns/pid') !== own);
    const waiting = container.wait();
    process.kill(Number(launcher), 'SIGKILL');
    const codes = await Promise.all(pending.map((process) => process.then(() => 'resolved', (error) => error.code)));
    const exit = await waiting;
    const again = await run({ image: 'host:', command: ['echo', 'again'] });
    const status = await container.exec(['true']).then(() => 'ran', (error) => error.code);
    console.log(JSON.stringify({ codes, exit, again: again.stdout, status }));`;
  const words = ['--input-type=module', '--eval', source];
  const answer = JSON.parse(await must(repositoryNode(), words, { cwd: `${root}/tests` }));
  expect(answer).toMatchObject({
    codes: ['RUNTIME_LOST', 'RUNTIME_LOST', 'RUNTIME_LOST'],
    exit: { exitCode: null, reason: 'runtime-lost' },
    again: 'again\n',
  });
  expect(answer.status).toMatch(/^CONTAINER_NOT_(RUNNING|FOUND)$/);
  await ctr(['system', 'prune', '-f']);
  expect((await leftSince(before)).filter((line) => !line.includes('/ctr-test-'))).toEqual([]);
});
