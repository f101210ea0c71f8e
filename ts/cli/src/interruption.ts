/** Work that a signal to us gives up, so that it can clean up, in place of ending us at once. */

import { constants } from 'node:os';
import { CtrError } from '@ctr-ts/sdk';
import type { Io } from './io.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** From its making to its disposal, signals abort. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
  /** A shell's exit code when a signal was why the work failed; throws any other failure. */
  exitCode(error: unknown): number;
}

/** Listens from now on. The second signal of a kind ends us as if nobody listened. */
export function interruption(io: Io): Interruption {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const give = (signal: NodeJS.Signals): void => {
    received = signal;
    controller.abort(signal);
  };
  for (const signal of SIGNALS) process.once(signal, give);
  return {
    signal: controller.signal,
    exitCode: (error) => {
      const aborted = error instanceof CtrError && error.code === 'ABORTED';
      if (received === undefined || !aborted) throw error;
      io.note(`ctr-ts: given up (${received})`);
      return 128 + constants.signals[received];
    },
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.off(signal, give);
    },
  };
}
