/** Where a command's words go: data to stdout, everything else to stderr. */

/** What a view may use of the world around it. */
export interface Io {
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

/** Used where stdout is not a terminal. */
const DEFAULT_COLUMNS = 100;

/** The Io of this process. */
export function processIo(): Io {
  const { stdout, stderr, env } = process;
  return {
    print: (text) => void stdout.write(line(text)),
    printJson: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    note: (text) => void stderr.write(line(text)),
    env,
    columns: stdout.isTTY ? stdout.columns : DEFAULT_COLUMNS,
    color: wantsColor(env, stdout.isTTY),
  };
}

/** A reader that has seen enough (`ctr-ts ps | head -1`) is not an error. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', swallowBrokenPipe);
}

/** NO_COLOR (no-color.org) and TERM=dumb turn colours off; so does a stdout that is no terminal. */
export function wantsColor(env: Io['env'], isTerminal: boolean): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Resolves when everything written to stdout and stderr so far has left this process. */
export async function drain(): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map(flushed));
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableEnded || stream.errored) return Promise.resolve();
  return new Promise((resolve) => stream.write('', () => resolve()));
}

function swallowBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function line(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
