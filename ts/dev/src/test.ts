/**
 * `npm test`: build, cargo, then vitest folder by folder, each within its budget; one closing line.
 *
 *   npm test -- [--yes] [--only cargo|vitest] [--folder NAME]... [-t PATTERN] [FILTER...]
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { build } from './build.ts';
import { tallyOfCargo } from './cargo-output.ts';
import { runCommand, runStep, StepFailure } from './command.ts';
import { paths, repositoryNode, root } from './repository.ts';
import { makeSafetyGroup } from './safety-group.ts';
import { cargoMinutes, type Suite, suites } from './suites.ts';
import { closingLine, emptyTally, isGreen, sum, type Tally } from './tally.ts';
import type { TallyFile } from './vitest/tally.ts';

interface Selection {
  runner: 'cargo' | 'vitest' | undefined;
  folders: readonly string[];
  /** vitest's -t. */
  pattern: string | undefined;
  filters: readonly string[];
}

const minuteMs = 60_000;

export async function test(args: string[]): Promise<number> {
  const selection = parse(args);
  await build();
  mkdirSync(paths.reports, { recursive: true });
  const tallies: Tally[] = [];
  if (selection.runner !== 'vitest' && selection.folders.length === 0)
    tallies.push(await runCargo(selection));
  if (selection.runner !== 'cargo') {
    for (const suite of selectedSuites(selection)) tallies.push(await runSuite(suite, selection));
  }
  const total = sum(tallies);
  for (const { name, reason } of total.skipped)
    process.stdout.write(`skipped: ${name}: ${reason}\n`);
  for (const problem of total.problems) process.stdout.write(`problem: ${problem}\n`);
  process.stdout.write(`${closingLine(total)}\n`);
  return isGreen(total) ? 0 : 1;
}

function parse(args: string[]): Selection {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      folder: { type: 'string', multiple: true },
      testNamePattern: { type: 'string', short: 't' },
    },
  });
  const { only, folder = [] } = values;
  if (only !== undefined && only !== 'cargo' && only !== 'vitest') {
    throw new StepFailure(`--only ${only} is unknown`, '--only cargo or --only vitest');
  }
  return { runner: only, folders: folder, pattern: values.testNamePattern, filters: positionals };
}

function selectedSuites({ folders }: Selection): readonly Suite[] {
  const unknown = folders.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    throw new StepFailure(
      `--folder ${unknown} is unknown`,
      suites.map((suite) => suite.name).join(', '),
    );
  }
  return suites.filter((suite) => folders.length === 0 || folders.includes(suite.name));
}

async function runCargo({ filters }: Selection): Promise<Tally> {
  const args = ['test', '--quiet', '--locked', '--workspace'];
  // Compiled first, so that the budget is that of the tests.
  await runStep('test: compile crates', 'cargo', [...args, '--no-run']);
  process.stderr.write('test: crates\n');
  const { output, exitCode, timedOut } = await runCommand(
    'cargo',
    ['test', '--locked', '--workspace', '--no-fail-fast', ...filters],
    { output: 'tee', timeoutMs: cargoMinutes * minuteMs },
  );
  const tally = tallyOfCargo(output, exitCode);
  if (timedOut) tally.problems.push(`crates: over the budget of ${cargoMinutes} minutes`);
  return tally;
}

async function runSuite(suite: Suite, { filters, pattern }: Selection): Promise<Tally> {
  const hasFiles =
    globSync(`${suite.folder}/**/*.test.ts`, { cwd: root, exclude: ['**/node_modules', '**/dist'] })
      .length > 0;
  if (!hasFiles) return emptyTally();
  if (suite.prepare)
    await runStep(`test: prepare ${suite.folder}`, repositoryNode(), suite.prepare);
  process.stderr.write(`test: ${suite.folder}\n`);
  const report = join(paths.reports, `${suite.name}.json`);
  rmSync(report, { force: true });

  const words = [
    paths.vitest,
    'run',
    '--project',
    suite.name,
    ...(pattern ? ['-t', pattern] : []),
    ...filters,
  ];
  if (filters.length > 0) words.push('--passWithNoTests');
  const group = makeSafetyGroup(suite.name);
  const leaked: string[] = [];
  const { exitCode, timedOut } = await runCommand(
    '/bin/sh',
    ['-c', `${group.enter}exec "$@"`, 'sh', repositoryNode(), ...words],
    { env: { CTR_TS_TALLY: report }, timeoutMs: suite.minutes * minuteMs },
  ).finally(async () => leaked.push(...(await group.close())));

  const tally = readTally(report);
  if (timedOut) tally.problems.push(`${suite.folder}: over the budget of ${suite.minutes} minutes`);
  else if (!tally.isComplete && exitCode !== 0)
    tally.problems.push(`${suite.folder}: vitest ended with ${exitCode ?? 'a signal'}`);
  else if (exitCode !== 0 && tally.failed + tally.problems.length === 0) {
    tally.problems.push(
      `${suite.folder}: vitest ended with ${exitCode ?? 'a signal'} although every test passed`,
    );
  }
  tally.problems.push(
    ...leaked.map((process) => `${suite.folder}: left a process behind: ${process}`),
  );
  return tally;
}

function readTally(file: string): TallyFile {
  if (!existsSync(file)) return { ...emptyTally(), isComplete: false };
  return JSON.parse(readFileSync(file, 'utf8')) as TallyFile;
}
