/** What a machine's end looks like outside, whichever it is. */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { expect, test } from 'vitest';

import { parseLine } from './support/results.ts';
import { runVm } from './support/run-vm.ts';

const outcomes = 'tests/vm/inside/harness/outcomes.test.ts';

/** Emulators whose command line names a disk of this process, and its folders. */
function left(): string[] {
  const emulators = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
        return fields[1] === String(process.pid) && commandOf(pid).includes('qemu');
      } catch {
        return false;
      }
    });
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(`vm-${process.pid}-`));
  return [...emulators, ...folders];
}

function commandOf(pid: string): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

test('each outcome comes out with its words, and a panic is told with the console', async () => {
  const env = { CTR_TS_HOST_TIME: String(Date.now()) };
  const { tests, problems, bootedMs } = await runVm('cgroup2', [outcomes], { env });
  expect(bootedMs).toBeDefined();
  expect(tests.map(({ name, state }) => [name.split(':')[0], state])).toEqual([
    ['passes', 'passed'],
    ['fails', 'failed'],
    ['is skipped', 'skipped'],
    ['has a PID 1 that reaps orphans', 'passed'],
  ]);
  expect(tests[1]?.errors.join()).toMatch(/a "quoted" line\\nand another|a "quoted" line\nand/);
  expect(tests[2]?.note).toBe('nothing is missing');
  expect(problems).toHaveLength(1);
  expect(problems[0]?.message).toContain('Kernel panic - not syncing: sysrq triggered crash');
  expect(problems[0]?.message).toMatch(/console:\n[\s\S]*Call Trace/);
  expect(left()).toEqual([]);
}, 240_000);

test('a machine that takes too long is ended', async () => {
  const { tests, problems } = await runVm('cgroup2', [outcomes], { timeoutMs: 1500 });
  expect(tests).toEqual([]);
  expect(problems[0]?.message).toMatch(/^the machine's tests did not end: it ran for more than/);
  expect(left()).toEqual([]);
}, 60_000);

test('a file that does not exist is a problem, not silence', async () => {
  const { tests, problems } = await runVm('cgroup2', ['tests/vm/inside/none.test.ts']);
  expect(tests).toEqual([]);
  expect(problems.length).toBeGreaterThan(0);
}, 240_000);

test.each([
  ['what is not JSON', 'Segmentation fault'],
  ['an unknown kind', '{"kind":"other"}'],
  ['a test without a state', '{"kind":"test","file":"a","name":"b","errors":[],"durationMs":1}'],
])('%s is refused as a line of results', (_, text) => {
  expect(() => parseLine(text)).toThrow();
});
