/** Verbs that take several names: each is tried, each failure is told, none hides another. */

import type { Io } from './io.ts';
import { errorDocument, exitCodeOf, report } from './report.ts';

/** What to tell of a target that was dealt with. */
export interface Outcome {
  /** For people. */
  lines: string[];
  /** For `--json`. */
  facts: Record<string, unknown>;
}

/**
 * Calls `act` for every target, in order, and tells its name, or what `outcomeOf` makes of the
 * result; resolves with the exit code of the last failure, or 0.
 */
export async function forEachTarget<Result>(
  targets: readonly string[],
  io: Io,
  json: boolean,
  act: (target: string) => Promise<Result>,
  outcomeOf: (result: Result, name: string) => Outcome = (_, name) => ({
    lines: [name],
    facts: {},
  }),
): Promise<number> {
  const outcomes: { name: string; ok: boolean; error?: unknown }[] = [];
  let code = 0;
  for (const name of targets) {
    try {
      const outcome = outcomeOf(await act(name), name);
      outcomes.push({ name, ok: true, ...outcome.facts });
      if (!json) for (const line of outcome.lines) io.print(line);
    } catch (error) {
      // Of a single name the error is the whole document, as it is of any other verb.
      if (json && targets.length === 1) throw error;
      outcomes.push({ name, ok: false, ...errorDocument(error) });
      code = json ? exitCodeOf(error) : report(error, io);
    }
  }
  if (json) io.printJson(outcomes);
  return code;
}
