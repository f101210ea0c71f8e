/** A vitest reporter that writes each result as a line of JSON to the port which the host reads. */
import { appendFileSync } from 'node:fs';

import type { Reporter, TestCase, TestModule } from 'vitest/node';

import type { Line } from '../support/results.ts';

/** The others are told as skipped. */
const hasPattern = process.argv.includes('-t');

export class LineReporter implements Reporter {
  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    // Not chosen by -t.
    if (test.options.mode === 'skip' && result.state === 'skipped' && hasPattern) return;
    write({
      kind: 'test',
      file: test.module.relativeModuleId,
      name: test.fullName,
      state: result.state === 'pending' ? 'skipped' : result.state,
      note: result.state === 'skipped' ? result.note : undefined,
      errors: (result.errors ?? []).map((error) => error.stack ?? error.message),
      durationMs: Math.round(test.diagnostic()?.duration ?? 0),
    });
  }

  /** What fails outside of any test: an import, a hook of a file or of a suite. */
  onTestModuleEnd(module: TestModule): void {
    const suites = [...module.children.allSuites()];
    for (const error of [...module.errors(), ...suites.flatMap((suite) => suite.errors())]) {
      write({
        kind: 'problem',
        file: module.relativeModuleId,
        message: error.stack ?? error.message,
      });
    }
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly { message: string }[]): void {
    for (const { message } of errors) write({ kind: 'problem', file: '', message });
    if (modules.length === 0) write({ kind: 'problem', file: '', message: 'no test file matched' });
  }
}

function write(line: Line): void {
  const port = process.env.CTR_TS_VM_RESULTS;
  if (port === undefined) throw new Error('CTR_TS_VM_RESULTS names the port for results');
  appendFileSync(port, `${JSON.stringify(line)}\n`);
}
