/** What stands between a Process and the native core: pipes, a launch, and what comes of it. */

import type { Enforcement, Exited, Launched, Stdio, StdioModes } from '@ctr-ts/native';
import type { Core } from './core.ts';
import { SIGKILL, signalName } from './signals.ts';

export type { Enforcement, Stdio, StdioModes };

/** How a process or container ended. */
export interface Exit {
  exitCode: number | null;
  /** For example `SIGKILL`. */
  signal: string | null;
  oomKilled: boolean;
  /** `runtime-lost`: its owner died first, and it with it. `detached`: it may still run. */
  reason?: 'runtime-lost' | 'detached';
}

/** A process that was executed. */
export interface Running {
  pid: number;
  containerId: string;
  enforcement: Enforcement[];
  exited: Promise<Exit>;
  /** Signals it; `tree` also everything it started. */
  signal(number: number, tree: boolean): void;
  /** Lets Node exit while it runs; it ends then. */
  unref(): void;
}

/** Starts one process. Tests put real pipes of ordinary processes here. */
export interface Launcher {
  openStdio(modes: StdioModes): Stdio;
  /** Takes the child ends over. Rejects with `giveUp.reason` when that fires before the launch. */
  launch(stdio: number, giveUp: AbortSignal): Promise<Running>;
}

/** A launch that is decided: nothing is missing but its streams. */
export interface Decided {
  id: string;
  begin(stdio: number): Launched;
}

/**
 * The second half of a {@link Launcher}: decide, then begin. The child ends of the streams are
 * closed when it does not come to that.
 */
export function launchWith(
  decide: (giveUp: AbortSignal) => Promise<Decided>,
  core: () => Core,
): Launcher['launch'] {
  return async (stdio, giveUp) => {
    let decided: Decided;
    try {
      decided = await decide(giveUp);
      giveUp.throwIfAborted();
    } catch (error) {
      core().closeStdio(stdio);
      throw error;
    }
    const launched = decided.begin(stdio);
    const kill = (): void => launched.signal(SIGKILL, true);
    giveUp.addEventListener('abort', kill, { once: true });
    try {
      const { pid, enforcement } = await launched.started;
      return runningOf(decided.id, pid, enforcement, launched);
    } catch (error) {
      // Killed before it ran: what the caller wants to hear is why.
      if (giveUp.aborted) throw giveUp.reason;
      throw error;
    } finally {
      giveUp.removeEventListener('abort', kill);
    }
  };
}

function runningOf(
  containerId: string,
  pid: number,
  enforcement: Enforcement[],
  launched: Launched,
): Running {
  const exited = launched.exited.then(toExit);
  exited.catch(() => {});
  return {
    pid,
    containerId,
    enforcement,
    exited,
    signal: (number, tree) => launched.signal(number, tree),
    unref: () => launched.unref(),
  };
}

/** The native exit with a signal by name. */
export function toExit({ exitCode, signal, oomKilled, reason }: Exited): Exit {
  return {
    exitCode,
    signal: signalName(signal),
    oomKilled,
    ...(reason === undefined ? {} : { reason }),
  };
}
