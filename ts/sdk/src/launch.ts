/** What stands between a Process and the native core: pipes, a launch, and what comes of it. */

import type { Enforcement, Stdio, StdioModes } from '@ctr-ts/native';

export type { Enforcement, Stdio, StdioModes };

/** How a process or container ended. */
export interface Exit {
  exitCode: number | null;
  /** For example `SIGKILL`. */
  signal: string | null;
  oomKilled: boolean;
  /** `runtime-lost`: its owner died first, and it with it. */
  reason?: 'runtime-lost';
}

/** A process that was executed. */
export interface Running {
  pid: number;
  containerId: string;
  enforcement: Enforcement[];
  exited: Promise<Exit>;
  /** Signals it; `tree` also everything it started. */
  signal(number: number, tree: boolean): void;
}

/** Starts one process. Tests put real pipes of ordinary processes here. */
export interface Launcher {
  openStdio(modes: StdioModes): Stdio;
  /** Takes the child ends over. Rejects with `giveUp.reason` when that fires before the launch. */
  launch(stdio: number, giveUp: AbortSignal): Promise<Running>;
}
