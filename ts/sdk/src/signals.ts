/** Signal names and numbers of this machine. */

import { constants } from 'node:os';
import { CtrError } from './errors.ts';

/** A name (`SIGTERM`, `term`) or a number. */
export type Signal = string | number;

const NUMBERS: Readonly<Record<string, number>> = constants.signals;

/** Cannot be caught or ignored; ends a PID namespace when it hits PID 1. */
export const SIGKILL = 9;

/** First real-time signal a program can use with the C library. */
const SIGRTMIN = 34;

/**
 * The number of a signal.
 *
 * @throws CtrError `INVALID_ARGUMENT`
 */
export function signalNumber(signal: Signal): number {
  const text = String(signal).toUpperCase();
  const realtime = /^(?:SIG)?RTMIN(?:\+(\d+))?$/.exec(text);
  const number = /^\d+$/.test(text)
    ? Number(text)
    : realtime
      ? SIGRTMIN + Number(realtime[1] ?? 0)
      : (NUMBERS[text] ?? NUMBERS[`SIG${text}`] ?? 0);
  if (number >= 1 && number <= 64) return number;
  throw new CtrError('INVALID_ARGUMENT', `unknown signal ${JSON.stringify(signal)}`, {
    hint: 'give a name such as SIGTERM or a number from 1 to 64',
  });
}

/** The name of a signal number, `null` for none. */
export function signalName(number: number | null): string | null {
  if (number === null) return null;
  if (number >= SIGRTMIN) {
    return number === SIGRTMIN ? 'SIGRTMIN' : `SIGRTMIN+${number - SIGRTMIN}`;
  }
  // SIGABRT, SIGIO and SIGCHLD have second names; the first one listed is the usual one.
  const entry = Object.entries(NUMBERS).find(([, value]) => value === number);
  return entry?.[0] ?? `SIG${number}`;
}
