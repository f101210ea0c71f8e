/** Stays with a process until it ends or is left: shows it, passes signals on, says why it was killed. */

import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { CtrError, type Process, type ProcessOptions, type TerminalSize } from '@ctr-ts/sdk';
import { formatDuration } from './duration.ts';
import type { Io } from './io.ts';
import { exitCodeOfProcess } from './report.ts';
import { Session, windowSize } from './session.ts';
import { onTermination, proxySignals } from './signal-proxy.ts';

/** How the caller wants to see the process. */
export interface FollowOptions {
  json?: boolean | undefined;
  interactive?: boolean | undefined;
  /** Which of its streams are shown; `undefined`: all. */
  attach?: readonly string[] | undefined;
  /** Through a terminal. */
  tty?: boolean | undefined;
  /** Which keys leave it; `undefined`: none. */
  detachKeys?: Uint8Array | undefined;
  /** Signals sent to us are passed on. Default true. */
  sigProxy?: boolean | undefined;
  /** It ran before we came, and draws itself anew for us. */
  attached?: boolean | undefined;
  /** What it can be left under; absent: it ends with us. */
  name?: (() => Promise<string>) | undefined;
  /** What signals do until it has started; absent: they end us. Disposed of then. */
  beforehand?: Disposable | undefined;
  timeoutMs?: number | undefined;
}

/**
 * How a process is connected: to a terminal, to our own streams, or to the JSON document.
 *
 * @throws CtrError `NOT_A_TERMINAL`, `INVALID_ARGUMENT`, `INVALID_VALUE`
 */
export function processOptions(options: FollowOptions): Omit<ProcessOptions, 'encoding'> {
  const { attach, interactive, json, timeoutMs, tty } = options;
  for (const stream of attach ?? []) {
    if (['stdin', 'stdout', 'stderr'].includes(stream.toLowerCase())) continue;
    throw new CtrError('INVALID_VALUE', `cannot attach to ${JSON.stringify(stream)}`, {
      hint: 'streams are stdin, stdout and stderr',
    });
  }
  if (tty) return { terminal: terminalFor(options) ?? true, timeoutMs };
  const shown = (name: string) =>
    attach === undefined || attach.some((stream) => stream.toLowerCase() === name);
  const output = (name: string) => (shown(name) ? (json ? 'pipe' : 'inherit') : 'null');
  return {
    stdio: {
      stdin: interactive ? 'inherit' : 'null',
      stdout: output('stdout'),
      stderr: output('stderr'),
    },
    timeoutMs,
  };
}

/**
 * The size of a terminal that ours stands for, `undefined` where ours has none.
 *
 * @throws CtrError `NOT_A_TERMINAL`, `INVALID_ARGUMENT` where it cannot stand for one
 */
export function terminalFor({ interactive, json }: FollowOptions): TerminalSize | undefined {
  if (interactive && json) {
    throw new CtrError(
      'INVALID_ARGUMENT',
      '--json and an interactive terminal exclude each other',
      {
        hint: 'leave stdin out: what the terminal shows is then in the document',
      },
    );
  }
  if (interactive && !isatty(0)) {
    throw new CtrError('NOT_A_TERMINAL', 'the input device is not a TTY', {
      hint: 'leave -t out to pipe something in',
    });
  }
  return windowSize();
}

/** Resolves with docker's exit code when the process has ended and its output is out, or was left. */
export async function follow(started: Process, io: Io, options: FollowOptions): Promise<number> {
  const { tty, json, sigProxy = true, timeoutMs = 0 } = options;
  const session = tty && !json ? sessionOf(started, options) : undefined;
  let terminated: NodeJS.Signals | undefined;
  let stop = (): void => {};
  const takeSignals = (): void => {
    if (sigProxy) stop = proxySignals(started, io, { tty });
    else if (session !== undefined && options.name !== undefined) {
      stop = onTermination((signal) => {
        terminated = signal;
        void session.leave();
      });
    }
    // ORDER: after somebody else listens, or a signal in between would end us.
    options.beforehand?.[Symbol.dispose]();
  };
  // Until then a signal is not for the process: there is none that it could reach.
  const taken = started.started.then(takeSignals, () => {});
  try {
    const end = await session?.run();
    if (terminated !== undefined) return 128 + constants.signals[terminated];
    if (end === 'detached') return await sayDetached(io, options);
    if (end === 'lost' || end === 'unread') return await giveUp(started, end, options);
    const result = await started;
    if (result.timedOut) io.note(`ctr-ts: timed out after ${formatDuration(timeoutMs)}`);
    if (result.oomKilled) io.note('ctr-ts: killed: out of memory');
    if (json) io.printJson({ ...(await started.started), ...result });
    return exitCodeOfProcess(result);
  } finally {
    await taken;
    stop();
  }
}

function sessionOf(
  started: Process,
  { attached, detachKeys, interactive = false }: FollowOptions,
): Session {
  return new Session(started, { interactive, detachKeys, redraw: attached });
}

/** Docker's words, and what is done next. */
async function sayDetached(io: Io, { name }: FollowOptions): Promise<number> {
  io.note('read escape sequence');
  if (name !== undefined) io.note(`  next: ctr-ts attach ${await name()}`);
  return 0;
}

/** Our side is gone. What can go on without us does, as with docker. */
async function giveUp(
  started: Process,
  end: 'lost' | 'unread',
  { attached, name }: FollowOptions,
): Promise<number> {
  const ended = (): void => {
    // It has ended in the meantime.
  };
  if (end === 'lost') {
    if (name !== undefined) await started.detach().catch(ended);
    return 128 + constants.signals.SIGHUP;
  }
  // As in a pipeline: who writes to a closed pipe ends.
  if (attached) await started.detach().catch(ended);
  else await started.kill('SIGKILL').catch(ended);
  return 128 + constants.signals.SIGPIPE;
}
