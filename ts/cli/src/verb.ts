/** What a command is, apart from how it was reached (directly or through oclif). */

import type { CommandPositionals } from '@ctr-ts/plugin';
import type { FlagTable, Values } from './flags.ts';
import type { Io } from './io.ts';

/** Everything parser and help need to know of a verb. */
export interface Grammar<T extends FlagTable = FlagTable> {
  /** `run`, `system prune`. */
  readonly id: string;
  readonly flags: T;
  readonly positionals: CommandPositionals;
}

/** A parsed command line. */
export interface Invocation<T extends FlagTable = FlagTable> {
  readonly flags: Values<T>;
  readonly positionals: readonly string[];
}

/** A command: its grammar, its help, and the view that runs it. */
export interface Verb<T extends FlagTable = FlagTable> extends Grammar<T> {
  readonly summary: string;
  /** Command lines without the leading `ctr-ts`. */
  readonly examples: readonly string[];
  /** Does it; the number is the exit code. */
  execute(invocation: Invocation<T>, io: Io): Promise<number>;
}

/** The same verb under another of docker's names. */
export function renamed(verb: Verb, id: string): Verb {
  const examples = verb.examples.map((line) => line.replace(verb.id, id));
  return { ...verb, id, examples };
}

/** A verb whose flag types are known inside it and forgotten outside. */
export function defineVerb<const T extends FlagTable>(verb: Verb<T>): Verb {
  // Values<T> is a record of the flags in the table, and only the parser with that table makes it.
  return verb as unknown as Verb;
}
