/**
 * Death at any moment: of ctr-ts, of a program that uses the SDK, of launchers, of containers, in
 * the middle of a pull, on a terminal, detached. CTR_TS_ROUNDS says how often, CTR_TS_SEED repeats
 * a run.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { paths, repositoryNode, root } from '@ctr-ts/dev/repository';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { ctr, eventually, must, slowness, start } from './support/command.ts';
import { busybox, debian, pack } from './support/images.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { makeOuterGroup, type OuterGroup } from './support/outer-group.ts';
import { startRegistry, type TestRegistry } from './support/registry.ts';
import { type Images, type Kind, kinds, type Victim } from './support/victims.ts';

const rounds = Number(process.env.CTR_TS_ROUNDS ?? 2 * kinds.length);
const seed = Number(process.env.CTR_TS_SEED ?? Date.now() % 1_000_000);

const directory = mkdtempSync(join(tmpdir(), 'e2e-leak-'));
let registry: TestRegistry | string = 'it was not started';
let images: Images | string = 'there is no registry';
let outer: OuterGroup | undefined;
let before: Machine;
beforeAll(async () => {
  images = await serveImages();
  await ctr(['system', 'prune', '-f']);
  outer = makeOuterGroup();
  before = snapshot();
}, 600_000);
afterAll(async () => {
  if (typeof registry === 'object') await registry.stop();
  rmSync(directory, { recursive: true, force: true });
  await outer?.close();
});

/** A registry with an image of one program and one of a whole Debian; else what is missing. */
async function serveImages(): Promise<Images | string> {
  registry = await startRegistry();
  const large = await debian();
  const rootfs = busybox(directory);
  if (typeof registry === 'string') return registry;
  if (typeof large === 'string') return large;
  if (rootfs === undefined) return 'busybox-static is not installed';
  const layout = join(directory, 'oci');
  await pack(rootfs, layout);
  return {
    small: await registry.push(`oci:${layout}:latest`, 'leak/busybox:1'),
    large: await registry.push(`oci:${large.layout}:latest`, 'leak/debian:12'),
  };
}

/** Numbers from 0 to 1 that the seed repeats. */
function makeRandom(state: number): () => number {
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test(`${rounds} runs, half of them killed at a random moment (seed ${seed})`, {
  timeout: 60_000 + rounds * 6000,
}, async ({ skip }) => {
  if (outer === undefined) return skip('no pids and memory controllers for the outer group');
  if (typeof images === 'string') return skip(images);
  const random = makeRandom(seed);
  const told: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) {
      const image = round % 4 === 0 ? 'host:' : images.small;
      const [command, words] = outer.wrap(paths.launcher, ['run', '--rm', image, 'true']);
      await must(command, words);
      continue;
    }
    const kind = kinds[((round - 1) / 2) % kinds.length];
    if (kind === undefined) throw new Error('no kinds');
    const victim = await kind.start(outer, images);
    const momentMs = Math.floor(random() * kind.withinMs);
    await sleep(momentMs);
    told.push(`${kind.name} after ${momentMs} ms`);
    await killed(kind, victim, outer, `the death of ${told.at(-1)}`);
  }
  console.log(`killed: ${told.join(', ')}`);
});

/** Kills it, and checks that everything of it ends soon and that what is left tells the truth. */
async function killed({ part, terminal }: Kind, victim: Victim, inside: OuterGroup, what: string) {
  const { started } = victim;
  const pid = await eventually(`who is to be killed: ${what}`, victim.find);
  let killedAt = kill(pid);
  if (part === 'launcher') {
    const next = await successor(victim, pid);
    if (next !== undefined) killedAt = kill(next);
  }
  if (part !== 'ctr-ts') await started.ended;
  await eventually(`the end of all after ${what}`, () => inside.members().length === 0, 5000);
  // Node itself takes a part of it when it has to notice and end; what counts is the container's end.
  const goneMs = performance.now() - killedAt;
  expect(goneMs, what).toBeLessThan((part === 'launcher' ? 2000 : 1000) * slowness);
  const ended = await started.ended;
  if (terminal) return;
  if (part === 'launcher') {
    expect(ended, ended.stderr).toMatchObject({ exitCode: 125 });
    // Lost before it had said hello, or afterwards.
    expect(ended.stderr).toMatch(/\[RUNTIME_(LOST|START)\]/);
  }
  if (part === 'container' && ended.exitCode !== 137) {
    // Killed before its program was executed.
    expect(ended, ended.stderr).toMatchObject({ exitCode: 125 });
    expect(ended.stderr).toContain('[INIT_DIED]');
  }
}

/** When it was killed; a pull or a start may have ended by itself just before. */
function kill(pid: number): number {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
  return performance.now();
}

/** A launcher that died between two calls: the second one has started another, unless all ends. */
async function successor({ started, find }: Victim, first: number): Promise<number | undefined> {
  let hasEnded = false;
  void started.ended.then(() => {
    hasEnded = true;
  });
  return eventually('an end, or another launcher', () => {
    const found = find();
    if (found !== undefined && found !== first) return { found };
    return hasEnded ? { found: undefined } : undefined;
  }).then(({ found }) => found);
}

test('the store holds nothing broken, and a pull completes it', async ({ skip }) => {
  if (typeof images === 'string') return skip(images);
  const blobs = '/var/lib/ctr-ts/blobs/sha256';
  for (const name of readdirSync(blobs)) {
    const content = readFileSync(join(blobs, name));
    expect(createHash('sha256').update(content).digest('hex')).toBe(name);
  }
  const { large, small } = images;
  // The records of what was killed hold their images.
  await must(paths.launcher, ['system', 'prune', '-f']);
  await must(paths.launcher, ['pull', large], { timeoutMs: 120_000 });
  expect(await must(paths.launcher, ['run', '--rm', large, 'cat', '/etc/debian_version'])).toMatch(
    /^12\./,
  );
  await must(paths.launcher, ['rmi', large, small]);
  expect(await must(paths.launcher, ['images', '-q'])).not.toContain('leak/');
});

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
