/** Signals that others send to us and that are meant for the process we stand for. */

import { isatty } from 'node:tty';
import type { Process } from '@ctr-ts/sdk';
import type { Io } from './io.ts';

/**
 * Docker passes on every signal it can name. Missing here, each for a reason: KILL and STOP cannot
 * be seen; CHLD, PIPE and URG are about our own children and streams; TTIN and TTOU stop a
 * background job that wants the terminal; SEGV, BUS, FPE, ILL, TRAP and SYS are faults of our own;
 * PROF belongs to a profiler of Node; the real-time ones cannot be seen by Node.
 */
export const PROXIED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGABRT',
  'SIGTSTP',
  'SIGCONT',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGXCPU',
  'SIGXFSZ',
] as const satisfies readonly NodeJS.Signals[];

/** What a terminal's own side deals with: size and redrawing. */
const OF_THE_TERMINAL: ReadonlySet<NodeJS.Signals> = new Set(['SIGCONT', 'SIGWINCH']);

/** Passes signals on to a process that runs until it is stopped; what it returns stops it. */
export function proxySignals(
  target: Process,
  io: Io,
  { tty = false }: { tty?: boolean | undefined } = {},
): () => void {
  const proxied = PROXIED.filter((signal) => !(tty && OF_THE_TERMINAL.has(signal)));
  let interrupts = 0;
  const forward = (signal: NodeJS.Signals) => {
    if (signal === 'SIGINT') interrupts += 1;
    // PID 1 of a container may ignore SIGINT; nothing can ignore the second one.
    const kill = interrupts > 1 && signal === 'SIGINT';
    target.kill(kill ? 'SIGKILL' : signal).catch(() => {
      // It has ended in the meantime, which is what was asked for.
    });
    if (signal === 'SIGINT' && !kill && isatty(2)) {
      io.note('ctr-ts: sent SIGINT; press Ctrl-C again to kill');
    }
  };
  for (const signal of proxied) process.on(signal, forward);
  return () => {
    for (const signal of proxied) process.off(signal, forward);
  };
}

/** Calls `act` once for the first signal that would end us; what it returns stops that. */
export function onTermination(act: (signal: NodeJS.Signals) => void): () => void {
  const ending = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
  const stop = (): void => {
    for (const signal of ending) process.off(signal, once);
  };
  const once = (signal: NodeJS.Signals): void => {
    stop();
    act(signal);
  };
  for (const signal of ending) process.on(signal, once);
  return stop;
}
