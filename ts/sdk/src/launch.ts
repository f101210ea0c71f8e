/** What stands between a Process and the native core: pipes, a launch, and what comes of it. */

import type { Enforcement, Exited, Launched, Stdio, StdioModes } from '@ctr-ts/native';
import type { Core } from './core.ts';
import { SIGKILL, signalName } from './signals.ts';
import type { TerminalSize } from './terminal.ts';

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
  /** Sets the size of its terminal, if it has one. */
  resize(size: TerminalSize): void;
  /** Leaves it to its launcher; absent where it ends with whoever started it. */
  detach?: () => Promise<void>;
  /** What giving up does. Default: kills it and everything it started. */
  abandon?: () => void;
  /** Lets Node exit while it runs; it ends then. */
  unref(): void;
}

/** Starts one process. Tests put real pipes of ordinary processes here. */
export interface Launcher {
  openStdio(modes: StdioModes): Stdio;
  /** Input that nobody took stays open: its end would reach a program that others use too. */
  keepsInput?: boolean;
  /** Takes the child ends over. Rejects with `giveUp.reason` when that fires before the launch. */
  launch(stdio: number, giveUp: AbortSignal): Promise<Running>;
}

/** A launch that is decided: nothing is missing but its streams. */
export interface Decided {
  id: string;
  /**
   * Whose process it is. `own` (default): a container of ours, which can be left to its launcher.
   * `guest`: in a container, ends with us. `attached`: goes on without us, whatever happens here.
   */
  kind?: 'own' | 'guest' | 'attached';
  begin(stdio: number): Launched;
  /** Called once, when it has started or is known not to. */
  settled?(): void;
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
    let decided: Decided | undefined;
    try {
      decided = await decide(giveUp);
      giveUp.throwIfAborted();
    } catch (error) {
      decided?.settled?.();
      core().closeStdio(stdio);
      throw error;
    }
    const launched = begin(decided, stdio);
    const attached = decided.kind === 'attached';
    const kill = (): void => {
      if (!attached) launched.signal(SIGKILL, true);
    };
    giveUp.addEventListener('abort', kill, { once: true });
    try {
      const { pid, enforcement } = await launched.started;
      return runningOf(decided, pid, enforcement, launched);
    } catch (error) {
      // Killed before it ran: what the caller wants to hear is why.
      if (giveUp.aborted) throw giveUp.reason;
      throw error;
    } finally {
      giveUp.removeEventListener('abort', kill);
      decided.settled?.();
    }
  };
}

/** Settled also when it does not come to a launch. */
function begin(decided: Decided, stdio: number): Launched {
  try {
    return decided.begin(stdio);
  } catch (error) {
    decided.settled?.();
    throw error;
  }
}

function runningOf(
  { id, kind = 'own' }: Decided,
  pid: number,
  enforcement: Enforcement[],
  launched: Launched,
): Running {
  const exited = launched.exited.then(toExit);
  exited.catch(() => {});
  return {
    pid,
    containerId: id,
    enforcement,
    exited,
    signal: (number, tree) => launched.signal(number, tree),
    resize: ({ rows, columns }) => launched.resize(rows, columns),
    unref: () => launched.unref(),
    ...(kind === 'guest' ? {} : { detach: () => launched.detach() }),
    // Letting go fails only when it has ended, which `exited` tells.
    ...(kind === 'attached' ? { abandon: () => void launched.detach().catch(() => {}) } : {}),
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
