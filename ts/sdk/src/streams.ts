/** How the standard streams of a process are connected to its caller. */

import { fstatSync, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import type { ProcessOptions, StreamMode } from './options.ts';
import { type TerminalSize, terminalSize } from './terminal.ts';

/** How long streams may outlive a process that was killed. */
const LINGER_MS = 1_000;

type StreamName = 'stdin' | 'stdout' | 'stderr';

/** What is asked of the addon, and which pipes we copy from or to our own streams. */
export interface StreamPlan {
  modes: Record<StreamName, StreamMode> & { terminal?: TerminalSize };
  copies: Record<StreamName, boolean>;
}

const NAMES: readonly StreamName[] = ['stdin', 'stdout', 'stderr'];

/** Decides each stream's mode. */
export function planStreams(options: ProcessOptions): StreamPlan {
  const plan: StreamPlan = {
    modes: { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' },
    copies: { stdin: false, stdout: false, stderr: false },
  };
  const terminal = terminalSize(options.terminal);
  if (terminal !== undefined) {
    plan.modes = { stdin: 'null', stdout: 'null', stderr: 'null', terminal };
    return plan;
  }
  const { stdio = 'pipe' } = options;
  NAMES.forEach((name, fd) => {
    let mode = typeof stdio === 'string' ? stdio : (stdio[name] ?? 'pipe');
    if (name === 'stdin' && options.stdin !== undefined) mode = 'pipe';
    if (mode !== 'inherit') plan.modes[name] = mode;
    else if (canHandOver(fd)) plan.modes[name] = 'inherit';
    else plan.copies[name] = true;
  });
  return plan;
}

/**
 * Whether one of our own streams can be given to a container.
 *
 * SECURITY: a process in the container can open any file it holds again through /proc/self/fd, with
 * whatever rights the file's mode gives its user: a log opened for appending could be read and
 * overwritten, a terminal's input read or stuffed (CVE-2017-5226 class). Pipes, sockets and
 * /dev/null give nothing that way; everything else is copied through a pipe.
 */
function canHandOver(fd: number): boolean {
  let stats: Stats;
  try {
    stats = fstatSync(fd);
  } catch {
    return false;
  }
  const NULL_DEVICE = (1 << 8) | 3;
  return (
    stats.isFIFO() || stats.isSocket() || (stats.isCharacterDevice() && stats.rdev === NULL_DEVICE)
  );
}

/** Our end of a pipe as a stream; `null` for -1. Never an fs stream: each would block a pool thread. */
export function openPipe(fd: number, direction: 'read' | 'write' | 'both'): Socket | null {
  if (!(fd >= 0)) return null;
  const socket = new Socket({
    fd,
    readable: direction !== 'write',
    writable: direction !== 'read',
  });
  // EPIPE and EIO are how a process that is gone looks; nobody else would hear of them.
  socket.on('error', () => {});
  return socket;
}

/** Copies our own stream to or from the pipe. Returns how to stop. */
export function copyStream(name: StreamName, pipe: Socket): () => void {
  if (name !== 'stdin') {
    pipe.pipe(process[name], { end: false });
    return () => pipe.unpipe(process[name]);
  }
  process.stdin.pipe(pipe);
  return () => {
    process.stdin.unpipe(pipe);
    // A terminal that nobody reads any more must not keep the program alive.
    process.stdin.pause();
    pipe.destroy();
  };
}

/** Waits until the streams have ended, or a little longer than until `givenUp`; closes them. */
export async function drain(open: readonly Socket[], givenUp: AbortSignal): Promise<void> {
  const ended = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  const stopped = new Promise<void>((resolve) => {
    // What was killed may have left a process that holds the pipe and that no signal reached.
    const linger = (): void => void setTimeout(resolve, LINGER_MS).unref();
    if (givenUp.aborted) linger();
    else givenUp.addEventListener('abort', linger);
  });
  await Promise.race([Promise.all(ended), stopped]);
  for (const socket of open) socket.destroy();
}
