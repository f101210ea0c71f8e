/** Runs one verb: parse, help or view, and errors in words. The same on either path. */

import type { Io } from './io.ts';
import { parse, wantsJson } from './parser.ts';
import { report } from './report.ts';
import type { Invocation, Verb } from './verb.ts';

/** How a verb is reached. */
export interface Performance {
  verb: Verb;
  /** What follows the verb. */
  argv: readonly string[];
  io: Io;
  showHelp(): Promise<void>;
  /** Reads the line; default: our parser. */
  read?(): Promise<Invocation>;
}

/** Resolves with the exit code; never rejects. */
export async function perform({ verb, argv, io, showHelp, read }: Performance): Promise<number> {
  try {
    const invocation = await (read?.() ?? parse(verb, argv));
    if (invocation.flags.help === true) {
      await showHelp();
      return 0;
    }
    return await verb.execute(invocation, io);
  } catch (error) {
    return report(error, io, wantsJson(verb, argv));
  }
}
