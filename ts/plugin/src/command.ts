/**
 * A command of a plugin: a grammar as plain data and a function. `ctr-ts` reads its line with the
 * same parser as its own verbs, shows its help, and turns its errors into words and exit codes.
 */

/** One flag. `--help` and `--json` are every command's and not declared. */
export interface CommandFlag {
  /** Long name without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** Other long names for it. */
  readonly aliases?: readonly string[];
  readonly type: 'boolean' | 'string';
  /** May be given more than once; the values add up. Of any other flag the last value counts. */
  readonly multiple?: boolean;
  /** What stands for the value in help. */
  readonly metavar?: string;
  readonly help: string;
}

/** How the words of a command line that are not flags are read. */
export interface CommandPositionals {
  /** As shown in the usage line, for example `IMAGE [COMMAND [ARG...]]`. */
  readonly usage: string;
  readonly min: number;
  /** Absent: any number. */
  readonly max?: number;
  /**
   * Docker's rule for `run` and `exec`: the first positional ends the flags, all that follows
   * belongs to the command. The name of a flag means: only when that flag was given before.
   */
  readonly endFlags?: boolean | string;
}

/** What a command may use of the world around it. */
export interface CommandIo {
  /** Text to stdout, a newline is added when there is none. */
  print(text: string): void;
  /** One JSON document to stdout. */
  printJson(value: unknown): void;
  /** A remark to stderr. */
  note(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Width to lay text out for. */
  readonly columns: number;
  /** Whether stdout understands colours and the user wants them. */
  readonly color: boolean;
}

/** The value a flag has; any of them for a flag that is not known yet. */
export type CommandFlagValue<F extends CommandFlag> = string extends F['name']
  ? boolean | string | string[]
  : F['type'] extends 'boolean'
    ? boolean
    : F extends { readonly multiple: true }
      ? string[]
      : string;

/** The flags that were on the line, by name. */
export type CommandFlagValues<T extends readonly CommandFlag[] = readonly CommandFlag[]> = {
  [F in T[number] as F['name']]?: CommandFlagValue<F>;
} & {
  /** The line asks for one JSON document on stdout, and nothing else there. */
  json?: boolean;
};

/** A command line as it was read. */
export interface CommandInvocation<T extends readonly CommandFlag[] = readonly CommandFlag[]> {
  readonly flags: CommandFlagValues<T>;
  readonly positionals: readonly string[];
}

/** A command. */
export interface Command<T extends readonly CommandFlag[] = readonly CommandFlag[]> {
  /** One word or two: `which`, `disk use`. Words that `ctr-ts` or docker has are taken. */
  readonly id: string;
  /** What it does, in half a line, for help. */
  readonly summary: string;
  /** Command lines without the leading `ctr-ts`. */
  readonly examples?: readonly string[];
  readonly flags?: T;
  readonly positionals: CommandPositionals;
  /**
   * Does it; the number is the exit code. Data goes to stdout, everything else to stderr, and with
   * `flags.json` exactly one document. A `CtrError` (of `@ctr-ts/sdk`) becomes its message, code
   * and hint, and exit code 125; any other error is called a bug of the plugin.
   */
  execute(invocation: CommandInvocation<T>, io: CommandIo): Promise<number>;
}

/** The command as given, checked by the compiler; its flag types are known inside it. */
export function defineCommand<const T extends readonly CommandFlag[] = readonly []>(
  command: Command<T>,
): Command {
  // The values are a record of the flags in the table, and only a parser with that table makes it.
  return command as unknown as Command;
}
