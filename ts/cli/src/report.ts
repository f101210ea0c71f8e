/** The one place that turns errors into words and exit codes. */

import { constants } from 'node:os';
import { CtrError } from '@ctr-ts/sdk';
import { HINTS } from './hints.ts';
import type { Io } from './io.ts';
import { printable } from './printable.ts';

/** Docker's exit codes: the failure is ours, not the container's. */
export const EXIT_OURS = 125;

/**
 * Docker's exit codes for a command that is there but cannot be run, for one that is not there, and
 * for a stdin that is no terminal.
 */
const EXIT_CODES: Readonly<Record<string, number>> = {
  COMMAND_NOT_EXECUTABLE: 126,
  COMMAND_NOT_FOUND: 127,
  NOT_A_TERMINAL: 1,
};

/** First real-time signal a program can use with the C library. */
const SIGRTMIN = 34;

/** What machines get to read about an error. */
export interface ErrorDocument {
  error: { code: string; message: string; hint?: string } & Record<string, unknown>;
}

/** Says what went wrong and what to do next; returns the exit code. */
export function report(error: unknown, io: Io, json = false): number {
  if (json) io.printJson(errorDocument(error));
  else io.note(errorText(error));
  if (io.env.CTR_TS_DEBUG) {
    // A coded error says enough of itself; what it came from may be somebody's bug.
    const bug = error instanceof CtrError ? error.cause : error;
    if (bug instanceof Error) io.note(bug.stack ?? '');
  }
  return exitCodeOf(error);
}

/** `ctr-ts: <message> [CODE]`, and on a line of its own what to do next. */
export function errorText(error: unknown): string {
  const { code, message, hint } = errorDocument(error).error;
  const first = `ctr-ts: ${oneLine(message)} [${code}]`;
  return hint === undefined ? first : `${first}\n  next: ${oneLine(hint)}`;
}

/** The `--json` form of an error. */
export function errorDocument(error: unknown): ErrorDocument {
  if (error instanceof CtrError) {
    const hint = error.hint ?? HINTS[error.code];
    return { error: { ...error.toJSON(), ...(hint === undefined ? {} : { hint }) } };
  }
  const message = error instanceof Error ? error.message : String(error);
  const hint = 'this is a bug; run it again with CTR_TS_DEBUG=1 and report what it prints';
  return { error: { code: 'INTERNAL', message, hint } };
}

/** Docker's exit code for an error. */
export function exitCodeOf(error: unknown): number {
  return (error instanceof CtrError && EXIT_CODES[error.code]) || EXIT_OURS;
}

/** How a process ended, as far as an exit code needs it. */
export interface Ended {
  exitCode: number | null;
  signal: number | NodeJS.Signals | string | null;
  timedOut?: boolean | undefined;
}

/** A shell's exit code: the process's own, or 128 + n when signal n ended it. */
export function exitCodeOfProcess({ exitCode, signal, timedOut = false }: Ended): number {
  // As podman: whoever passes its time is killed, and the code says so.
  if (timedOut) return 128 + constants.signals.SIGKILL;
  if (exitCode !== null) return exitCode;
  return signal === null ? EXIT_OURS : 128 + signalNumber(signal);
}

function signalNumber(signal: number | string): number {
  if (typeof signal === 'number') return signal;
  const realtime = /^SIGRTMIN(?:\+(\d+))?$/.exec(signal);
  if (realtime) return SIGRTMIN + Number(realtime[1] ?? 0);
  return (constants.signals as Record<string, number>)[signal] ?? 0;
}

/** Messages can quote a file or a kernel; one error stays one line. */
function oneLine(text: string): string {
  return printable(text.replace(/\s*\n\s*/g, '; '));
}
