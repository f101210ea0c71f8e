/**
 * Test files of this repository in a machine of their own, each test inside a test of the file
 * that calls this at its top level:
 *
 *   await inVm('cgroup2', 'tests/vm/inside/cgroup.test.ts', { user: 'ctr-test' });
 *
 * The machine runs while the file is collected. One that does not come up, hangs or panics is a
 * failed test with the tail of the console.
 */
import { describe, test } from 'vitest';
import type { TestLine } from './results.ts';
import { type Profile, runVm, type VmOptions, type VmResult } from './run-vm.ts';

export async function inVm(
  profile: Profile,
  files: string | readonly string[],
  options: VmOptions = {},
): Promise<void> {
  const list = typeof files === 'string' ? [files] : files;
  const user = options.user ?? 'root';
  const title = `${profile} as ${user}`;
  const outcome = await runVm(profile, list, options).catch(noMachine);
  const { tests, problems, bootedMs, durationMs } = outcome;
  describe(title, () => {
    test('the machine comes up, runs the files and ends', () => {
      console.log(
        `${title}: up after ${seconds(bootedMs ?? 0)}, ended after ${seconds(durationMs)}`,
      );
      if (problems.length > 0) throw failure(problems.map(describeProblem));
    });
    for (const file of list) {
      describe(file, () => {
        const own = tests.filter((line) => line.file === file);
        for (const line of own) register(line);
        // A file without tests has failed to load, which is told above; this keeps its place.
        if (own.length === 0) test('runs', () => Promise.reject(failure(['no test of it ran'])));
      });
    }
  });
}

/** What is missing for one: a package, an image that only root makes. */
function noMachine(error: Error): VmResult {
  const message = `no machine: ${error.message}`;
  return {
    tests: [],
    problems: [{ kind: 'problem', file: '', message }],
    bootedMs: undefined,
    durationMs: 0,
  };
}

function register({ name, state, note, errors }: TestLine): void {
  test(name, ({ skip }) => {
    if (state === 'skipped') skip(note ?? 'skipped inside');
    if (state === 'failed') throw failure(errors);
  });
}

function describeProblem({ file, message }: { file: string; message: string }): string {
  return file === '' ? message : `${file}: ${message}`;
}

/** Without a stack of its own: that of the failure inside is what matters. */
function failure(texts: readonly string[]): Error {
  const error = new Error(texts.join('\n'));
  error.stack = error.message;
  return error;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
