/**
 * A vitest reporter that writes the counts to the file named by CTR_TS_TALLY after each test file,
 * so that a run killed by its budget still tells what it had done.
 */
import { writeFileSync } from 'node:fs';

import type { Reporter, TestModule } from 'vitest/node';

import { emptyTally, sum, type Tally } from '../tally.ts';

/** `isComplete` is false in what a killed run leaves. */
export interface TallyFile extends Tally {
  isComplete: boolean;
}

export default class TallyReporter implements Reporter {
  readonly #modules = new Map<string, Tally>();

  onTestModuleEnd(module: TestModule): void {
    this.#modules.set(module.id, tallyOf(module));
    this.#write([], false);
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly { message: string }[]): void {
    for (const module of modules) this.#modules.set(module.id, tallyOf(module));
    this.#write(
      errors.map((error) => `outside of any test: ${error.message}`),
      true,
    );
  }

  #write(problems: string[], isComplete: boolean): void {
    const file = process.env.CTR_TS_TALLY;
    if (!file) return;
    const total = sum([...this.#modules.values(), { ...emptyTally(), problems }]);
    const content: TallyFile = { ...total, isComplete };
    writeFileSync(file, JSON.stringify(content));
  }
}

function tallyOf(module: TestModule): Tally {
  const tally = emptyTally();
  for (const test of module.children.allTests()) {
    const result = test.result();
    if (result.state === 'passed') tally.passed += 1;
    else if (result.state === 'failed') tally.failed += 1;
    else {
      const reason = result.state === 'skipped' ? result.note : 'never ran';
      tally.skipped.push({
        name: `${module.relativeModuleId} > ${test.fullName}`,
        reason: reason ?? 'no reason given',
      });
    }
  }
  const hasTests = tally.passed + tally.failed + tally.skipped.length > 0;
  // A file or suite hook that throws fails without a test of its own.
  const errors = module.errors().map((error) => `${module.relativeModuleId}: ${error.message}`);
  if (!hasTests && errors.length === 0 && module.state() === 'failed')
    errors.push(`${module.relativeModuleId}: failed`);
  for (const suite of module.children.allSuites()) {
    errors.push(
      ...suite
        .errors()
        .map((error) => `${module.relativeModuleId} > ${suite.fullName}: ${error.message}`),
    );
  }
  return { ...tally, problems: errors };
}
