/** Programs under test as child processes: in a process group of their own, ended by a time limit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { paths } from '@ctr-ts/dev/repository';

/** How a program ended and what it printed. */
export interface Ended {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** It was killed for taking longer than it was given. */
  timedOut: boolean;
  durationMs: number;
}

export interface CommandOptions {
  /** Written to stdin; without it stdin is /dev/null. `'open'` keeps a pipe that the test writes to. */
  input?: string | 'open';
  /** Replaces the environment. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** SIGKILL for the whole process group after this. Default 30 s. */
  timeoutMs?: number;
}

/** A program that runs. */
export interface Started {
  child: ChildProcess;
  pid: number;
  ended: Promise<Ended>;
  /** What stdout held so far. */
  stdout(): string;
  /** Waits until stdout matches; throws with all output when it never does. */
  until(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** SIGKILL for its process group. */
  killGroup(): void;
}

/**
 * How many times longer everything may take: more than 1 on an emulated processor. All limits
 * given here are multiplied by it.
 */
export const slowness = Number(process.env.CTR_TS_SLOWNESS ?? 1);

/** How long output is read after the program's end: a leaked child must not hold the test up. */
const LINGER_MS = 3000;

export function start(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Started {
  const { input, timeoutMs = 30_000, ...rest } = options;
  const begin = performance.now();
  const child = spawn(command, args, {
    ...rest,
    detached: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      output[name] += chunk;
    });
  }
  // EPIPE: the program did not read its input, which is its own affair.
  child.stdin?.on('error', () => {});
  if (input !== undefined && input !== 'open') child.stdin?.end(input);

  const killGroup = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // The group has ended.
    }
  };
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup();
  }, timeoutMs * slowness);
  const ended = new Promise<Ended>((resolve, reject) => {
    const settle = (exitCode: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(timer);
      resolve({ exitCode, signal, ...output, timedOut, durationMs: performance.now() - begin });
    };
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', settle);
    child.once('exit', (code, signal) => setTimeout(settle, LINGER_MS, code, signal).unref());
  });
  ended.catch(() => {});

  const until = async (pattern: RegExp, withinMs = 15_000) => {
    const deadline = Date.now() + withinMs * slowness;
    for (;;) {
      const match = pattern.exec(output.stdout);
      if (match) return match;
      if (Date.now() > deadline || child.exitCode !== null || child.signalCode !== null) {
        // What came with the end still counts.
        await sleep(50);
        const last = pattern.exec(output.stdout);
        if (last) return last;
        throw new Error(
          `${[command, ...args].join(' ')}: stdout never matched ${pattern}\nstdout: ${output.stdout}\nstderr: ${output.stderr}`,
        );
      }
      await sleep(10);
    }
  };
  return { child, pid: child.pid ?? 0, ended, stdout: () => output.stdout, until, killGroup };
}

/** Runs to the end. An exit status does not throw. */
export function execute(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> {
  return start(command, args, options).ended;
}

/** Runs to the end and throws unless that was exit code 0; for the test's own preparations. */
export async function must(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const ended = await execute(command, args, options);
  if (ended.exitCode === 0) return ended.stdout;
  const how = ended.timedOut ? 'ran out of time' : `ended with ${ended.exitCode ?? ended.signal}`;
  throw new Error(`${[command, ...args].join(' ')} ${how}\n${ended.stdout}${ended.stderr}`);
}

/** The repository's `ctr-ts`, to its end. */
export function ctr(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return execute(paths.launcher, args, options);
}

/** The repository's `ctr-ts`, running. */
export function startCtr(args: readonly string[], options: CommandOptions = {}): Started {
  return start(paths.launcher, args, options);
}

/** Asks until the answer is not undefined or false; throws when it never is. */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs * slowness;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs * slowness} ms`);
    await sleep(20);
  }
}

/** Whether a process exists and is not a zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !stateOf(pid).startsWith('Z');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The letter of proc(5); Z when it is gone altogether. */
function stateOf(pid: number): string {
  try {
    return /^State:\s*(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'Z';
  } catch {
    return 'Z';
  }
}
