/** What a process says of itself: that it started, what it printed, how it ended. */

import { CtrError } from './errors.ts';
import type { Enforcement } from './launch.ts';

/** A process that was executed. */
export interface Started {
  /** Its pid on the host. */
  pid: number;
  containerId: string;
  /** Each isolation feature: asked for, possible here, got. */
  enforcement: Enforcement[];
}

/** How a process ended and what it printed. */
export interface Result<Output = string> {
  /** `null` when it was killed by a signal. */
  exitCode: number | null;
  /** For example `SIGKILL`; `null` when it exited. */
  signal: string | null;
  /** Empty where the stream was taken, inherited or null. */
  stdout: Output;
  stderr: Output;
  /** A stream printed more than `maxOutputBytes`; the rest was dropped. */
  truncated: boolean;
  /** The kernel killed something in the container for lack of memory. */
  oomKilled: boolean;
  /** `timeoutMs` passed and everything was killed. */
  timedOut: boolean;
  /** Set when it was left to its launcher; it may still run. */
  detached?: true;
  /** From the program's start to its end, in milliseconds. */
  durationMs: number;
}

/** What iterating over a Process yields. */
export type ProcessEvent<Output = string> =
  | { type: 'stdout'; data: Output }
  | { type: 'stderr'; data: Output }
  | {
      type: 'exit';
      exitCode: number | null;
      signal: string | null;
      oomKilled: boolean;
      timedOut: boolean;
    };

/** Why a result is none to go on with. */
export function failureOf(result: Result<unknown>, timeoutMs: number | undefined): CtrError {
  const { exitCode, oomKilled, signal, stderr, timedOut } = result;
  const how = timedOut
    ? `ran longer than ${timeoutMs} ms`
    : signal === null
      ? `exited with ${exitCode}`
      : `was killed by ${signal}${oomKilled ? ' (out of memory)' : ''}`;
  const said = typeof stderr === 'string' ? stderr.trim() : '';
  return new CtrError('NONZERO_EXIT', `the process ${how}`, {
    cause: result,
    hint: said === '' ? undefined : said.slice(-2_000),
  });
}
