/** Verbs that show what is known of several things, as one JSON array. */

import type { Io } from './io.ts';
import { errorDocument, exitCodeOf, report } from './report.ts';

/** Prints what was found even when something was not, as docker; resolves with the exit code. */
export async function inspectEach(
  targets: readonly string[],
  io: Io,
  json: boolean,
  look: (target: string) => Promise<unknown>,
): Promise<number> {
  const found: unknown[] = [];
  let code = 0;
  for (const target of targets) {
    try {
      found.push(await look(target));
    } catch (error) {
      // Of a single name the error is the whole document, as it is of any other verb.
      if (json && targets.length === 1) throw error;
      if (json) found.push(errorDocument(error));
      code = json ? exitCodeOf(error) : report(error, io);
    }
  }
  io.printJson(found);
  return code;
}
