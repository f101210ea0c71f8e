/** Where a command's words go: data to stdout, everything else to stderr. */

import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { CommandIo } from '@ctr-ts/plugin';

/** Size of a terminal in characters. */
export interface Screen {
  columns: number;
  rows: number;
}

/** What a view may use of the world around it: what a plugin's command has, and a screen. */
export interface Io extends CommandIo {
  /** Text to stderr as it is: for what is drawn in place. */
  draw(text: string): void;
  /** The terminal that stderr is; undefined where it is none, or one that cannot draw. */
  readonly screen: Screen | undefined;
}

const STDOUT = 1;
const STDERR = 2;

/** Used where stdout is not a terminal. */
const DEFAULT_COLUMNS = 100;

/** How long to wait for a reader whose pipe is full and does not block. */
const RETRY_MS = 2;

/**
 * The Io of this process.
 *
 * It never touches process.stdout or process.stderr where they are pipes that a container may share:
 * Node sets a pipe to O_NONBLOCK when it first looks at it, for every process that has it, and
 * programs in the container would meet EAGAIN.
 */
export function processIo(): Io {
  const { env } = process;
  return {
    print: (text) => writeAll(STDOUT, line(text)),
    printJson: (value) => writeAll(STDOUT, `${JSON.stringify(value, null, 2)}\n`),
    note: (text) => writeAll(STDERR, line(text)),
    draw: (text) => writeAll(STDERR, text),
    get screen() {
      if (!isatty(STDERR) || env.TERM === 'dumb') return undefined;
      const { columns, rows } = process.stderr;
      // A terminal that nobody gave a size says 0.
      return { columns: columns || 80, rows: rows || 24 };
    },
    env,
    get columns() {
      return isatty(STDOUT) ? process.stdout.columns : DEFAULT_COLUMNS;
    },
    get color() {
      return wantsColor(env, isatty(STDOUT));
    },
  };
}

/** NO_COLOR (no-color.org) and TERM=dumb turn colours off; so does a stdout that is no terminal. */
export function wantsColor(env: Io['env'], isTerminal: boolean): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== 'dumb';
}

/** Writes everything before it returns, so that the process may end at any time after. */
function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A reader that has seen enough (`ctr-ts ps | head -1`) is not an error.
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

function line(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
