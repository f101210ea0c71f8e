/** Counts of a test run, of cargo or of vitest, and the last line that sums them. */

export interface Skipped {
  name: string;
  reason: string;
}

export interface Tally {
  passed: number;
  failed: number;
  skipped: Skipped[];
  /** What went wrong outside of any one test: a crash, a time limit, a file that does not load. */
  problems: string[];
}

export function emptyTally(): Tally {
  return { passed: 0, failed: 0, skipped: [], problems: [] };
}

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, next) => ({
      passed: total.passed + next.passed,
      failed: total.failed + next.failed,
      skipped: [...total.skipped, ...next.skipped],
      problems: [...total.problems, ...next.problems],
    }),
    emptyTally(),
  );
}

/** A problem outside of a test counts as a failure: the line must not look green over a crash. */
export function closingLine(tally: Tally): string {
  const failed = tally.failed + tally.problems.length;
  return `${tally.passed} passed, ${failed} failed, ${tally.skipped.length} skipped`;
}

export function isGreen(tally: Tally): boolean {
  return tally.failed === 0 && tally.problems.length === 0 && tally.passed > 0;
}
