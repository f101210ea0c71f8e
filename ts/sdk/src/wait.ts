/** Waiting for a container of another process, of which only its record tells. */

import { setTimeout as delay } from 'node:timers/promises';
import type { StateEntry } from './core.ts';
import type { Exit } from './launch.ts';
import { describe } from './states.ts';

/** How often its record is looked at. */
const POLL_MS = 50;

/**
 * How the container ended. Without a record of that, nobody knows: `runtime-lost`. Rejects with
 * the signal's reason.
 */
export async function waitForRecord(
  look: () => StateEntry | undefined,
  signal: AbortSignal,
): Promise<Exit> {
  for (;;) {
    signal.throwIfAborted();
    const entry = look();
    if (entry === undefined || entry.status === 'dead' || entry.status === 'stopped') {
      const exit = entry === undefined ? null : describe(entry).exit;
      if (exit === null) {
        return { exitCode: null, signal: null, oomKilled: false, reason: 'runtime-lost' };
      }
      const { exitCode, signal: name, oomKilled } = exit;
      return { exitCode, signal: name, oomKilled };
    }
    await delay(POLL_MS);
  }
}
