/** Verbs that take several names: each is tried, each failure is told, none hides another. */

import type { Io } from './io.ts';
import { errorDocument, exitCodeOf, report } from './report.ts';

/** Calls `act` for every target, in order; resolves with the exit code of the last failure, or 0. */
export async function forEachTarget(
  targets: readonly string[],
  io: Io,
  json: boolean,
  act: (target: string) => Promise<void>,
): Promise<number> {
  const outcomes: { name: string; ok: boolean; error?: unknown }[] = [];
  let code = 0;
  for (const name of targets) {
    try {
      await act(name);
      outcomes.push({ name, ok: true });
      if (!json) io.print(name);
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
