/** Reads what `cargo test` prints: one header and one result line for each test binary. */
import { emptyTally, type Tally } from './tally.ts';

const header = /^\s+(?:Running|Doc-tests) (.+)$/;
const result = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/;
const ignored = /^test (.+?)(?: - should panic)? \.\.\. ignored(?:, (.+))?$/;

/**
 * Counts of all binaries. A binary without a result line is a harness of its own (one test, judged
 * by cargo's list of failed targets) or one that crashed.
 */
export function tallyOfCargo(output: string, exitCode: number | null): Tally {
  const tally = emptyTally();
  let open: string | undefined;
  const silent: string[] = [];
  const close = () => {
    if (open !== undefined) silent.push(open);
    open = undefined;
  };
  for (const line of output.split('\n')) {
    const counts = result.exec(line);
    const started = header.exec(line);
    const left = ignored.exec(line);
    if (started) {
      close();
      open = started[1];
    } else if (counts) {
      open = undefined;
      tally.passed += Number(counts[1]);
      tally.failed += Number(counts[2]);
    } else if (left) {
      tally.skipped.push({ name: left[1] ?? line, reason: left[2] ?? 'no reason given' });
    }
  }
  close();
  if (exitCode === 0) tally.passed += silent.length;
  else if (tally.failed === 0 || silent.length > 0) {
    const what = silent.length > 0 ? silent.join(', ') : 'before any test failed';
    tally.problems.push(`cargo test ended with ${exitCode ?? 'a signal'}: ${what}`);
  }
  return tally;
}
