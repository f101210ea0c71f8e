/** Stays with a process until it ends: passes signals on, says why it was killed. */

import { isatty } from 'node:tty';
import type { Process, ProcessOptions } from '@ctr-ts/sdk';
import { formatDuration } from './duration.ts';
import type { Io } from './io.ts';
import { exitCodeOfProcess } from './report.ts';

/** How the caller wants to see the process. */
export interface FollowOptions {
  json?: boolean | undefined;
  interactive?: boolean | undefined;
  timeoutMs?: number | undefined;
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How a process is connected: to our own streams, or to the JSON document. */
export function processOptions(options: FollowOptions): Omit<ProcessOptions, 'encoding'> {
  const output = options.json ? 'pipe' : 'inherit';
  return {
    stdio: { stdin: options.interactive ? 'inherit' : 'null', stdout: output, stderr: output },
    timeoutMs: options.timeoutMs,
  };
}

/** Resolves with docker's exit code when the process has ended and its output is out. */
export async function follow(started: Process, io: Io, options: FollowOptions): Promise<number> {
  const stop = forwardSignals(started, io);
  try {
    const result = await started;
    const { timeoutMs = 0 } = options;
    if (result.timedOut) io.note(`ctr-ts: timed out after ${formatDuration(timeoutMs)}`);
    if (result.oomKilled) io.note('ctr-ts: killed: out of memory');
    if (options.json) io.printJson({ ...(await started.started), ...result });
    return exitCodeOfProcess(result);
  } finally {
    stop();
  }
}

/** Returns what stops it. */
function forwardSignals(target: Process, io: Io): () => void {
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
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}
