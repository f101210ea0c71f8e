/**
 * Child processes of the driver: in a process group of their own, ended by a time limit, echoed
 * so that a failed step can be repeated by hand.
 */
import { spawn } from 'node:child_process';

import { root } from './repository.ts';

export interface CommandOptions {
  cwd?: string;
  /** Added to the environment. */
  env?: Record<string, string>;
  /** `inherit` shows the output; `capture` returns stdout and stderr as one text; `tee` does both. */
  output?: 'inherit' | 'capture' | 'tee';
  /** The whole process group gets SIGKILL when it is over. */
  timeoutMs?: number;
}

export interface CommandResult {
  /** Null when a signal ended it. */
  exitCode: number | null;
  timedOut: boolean;
  output: string;
}

/** How long output is read after the child's exit. */
const lingerMs = 2000;

export class StepFailure extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'StepFailure';
    this.hint = hint;
  }
}

/** Run and report; a failure to start and an interruption reject, an exit status does not. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const output = options.output ?? 'inherit';
  // One pipe for both streams, so that a test's name and its result keep their order.
  const [file, argv] =
    output === 'inherit'
      ? [command, [...args]]
      : ['/bin/sh', ['-c', 'exec "$@" 2>&1', 'sh', command, ...args]];
  const child = spawn(file, argv, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', output === 'inherit' ? 'inherit' : 'pipe', 'inherit'],
    detached: true,
  });

  const killGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch {
      // The group ended on its own in between.
    }
  };
  let timedOut = false;
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          killGroup('SIGKILL');
        }, options.timeoutMs);
  let wasInterrupted = false;
  const interrupted = (signal: NodeJS.Signals) => {
    wasInterrupted = true;
    killGroup(signal);
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);

  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (output === 'tee') process.stdout.write(chunk);
  });

  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    };
    child.once('error', (cause) => {
      finish();
      reject(new StepFailure(`start ${command}: ${cause.message}`));
    });
    let settled = false;
    const settle = (exitCode: number | null) => {
      if (settled) return;
      settled = true;
      finish();
      child.stdout?.destroy();
      if (wasInterrupted) reject(new StepFailure('interrupted'));
      else resolve({ exitCode, timedOut, output: text });
    };
    child.once('close', settle);
    // A grandchild may hold the pipe open after the exit: it is not waited for.
    child.once('exit', (exitCode) => setTimeout(settle, lingerMs, exitCode).unref());
  });
}

/** Run a step that must succeed. */
export async function runStep(
  title: string,
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  process.stderr.write(`${title}\n`);
  const result = await runCommand(command, args, options);
  if (result.exitCode !== 0) {
    if (options.output === 'capture') process.stderr.write(result.output);
    const why = result.timedOut ? 'ran out of time' : `ended with ${result.exitCode ?? 'a signal'}`;
    throw new StepFailure(
      `${title}: ${command} ${why}`,
      `repeat it: ${[command, ...args].join(' ')}`,
    );
  }
  return result.output;
}
