/** Pseudo-terminals: what a caller can ask for, and what a process is told of it. */

import { openCore } from './core.ts';
import { CtrError } from './errors.ts';
import type { SpecProcess } from './oci.ts';
import type { EngineOptions } from './options.ts';
import { directories } from './paths.ts';

/** The size of a terminal's window, in characters. */
export interface TerminalSize {
  columns: number;
  rows: number;
}

/** `true` is a terminal of 80 columns and 24 rows. */
export type TerminalOption = boolean | TerminalSize;

/** What programs have been written for since 1978. */
const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

/** What the kernel keeps a size in. */
const MAX_CHARACTERS = 65_535;

/** The size asked for, `undefined` when no terminal is. */
export function terminalSize(option: TerminalOption | undefined): TerminalSize | undefined {
  if (option === undefined || option === false) return undefined;
  return option === true ? DEFAULT_SIZE : option;
}

/** Throws `INVALID_ARGUMENT` for a size that no terminal has. */
export function checkTerminalSize({ columns, rows }: TerminalSize): void {
  for (const count of [columns, rows]) {
    if (Number.isSafeInteger(count) && count >= 1 && count <= MAX_CHARACTERS) continue;
    throw new CtrError('INVALID_ARGUMENT', `invalid terminal size ${columns}x${rows}`, {
      hint: `give columns and rows from 1 to ${MAX_CHARACTERS}`,
    });
  }
}

/**
 * A process as it starts on a terminal, or without one. TERM is what docker sets where neither
 * image nor caller does: every terminal of today understands xterm.
 */
export function withTerminal(process: SpecProcess, size: TerminalSize | undefined): SpecProcess {
  const { terminal: _terminal, consoleSize: _size, ...plain } = process;
  if (size === undefined) return plain;
  const named = plain.env.some((line) => line.startsWith('TERM='));
  return {
    ...plain,
    env: named ? plain.env : [...plain.env, 'TERM=xterm'],
    terminal: true,
    consoleSize: { height: size.rows, width: size.columns },
  };
}

/**
 * Gives the terminal of our own stdin to a program that is shown on it: every key becomes a byte,
 * Ctrl-C too, and output is shown as it is. Node's `setRawMode` leaves the kernel's output
 * processing on, which breaks full-screen programs.
 *
 * `enter` can be called again, after SIGCONT, when a shell has changed the terminal meanwhile.
 */
export interface RawMode {
  /** Throws `IO_ERROR` when stdin is no terminal. */
  enter(): void;
  /** Gives the terminal back as it was. Never throws: a terminal that is gone needs nothing. */
  leave(): void;
}

/** The raw mode of this process's stdin. */
export function rawMode(engine?: EngineOptions): RawMode {
  const core = openCore(directories(engine));
  return {
    enter: () => core.enterRawMode(),
    leave: () => {
      try {
        core.leaveRawMode();
      } catch {
        // EIO: it was hung up, and with it went its mode.
      }
    },
  };
}
