/** Ending a container politely: its stop signal, some time, then SIGKILL. */

import { MAX_DELAY_MS } from './deadline.ts';
import { CtrError } from './errors.ts';
import type { Exit } from './launch.ts';
import { type Signal, signalNumber } from './signals.ts';

/** How a container is asked to end. */
export interface StopOptions {
  /** Default: the container's own stop signal, else SIGTERM. */
  signal?: Signal | undefined;
  /**
   * How long it may take before it is killed; 0 kills at once, infinity never. Default: the
   * container's own time, else 10 s.
   */
  timeoutMs?: number | undefined;
}

/** As docker. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** What stopping needs of a container. */
export interface Stoppable {
  kill(signal: Signal): Promise<void>;
  wait(options: { signal?: AbortSignal | undefined }): Promise<Exit>;
}

/** Resolves with how it ended; throws as `kill()` and `wait()`. */
export async function stopContainer(
  container: Stoppable,
  { signal = 'SIGTERM', timeoutMs = DEFAULT_TIMEOUT_MS }: StopOptions,
): Promise<Exit> {
  signalNumber(signal);
  if (!(timeoutMs >= 0)) {
    throw new CtrError('INVALID_ARGUMENT', `invalid timeoutMs ${timeoutMs}`, {
      hint: 'give milliseconds, or Infinity to wait for ever',
    });
  }
  if (!(await killed(container, signal))) return await container.wait({});
  const patience = new AbortController();
  // Not AbortSignal.timeout(), which lets Node exit before the container was killed.
  const timer =
    timeoutMs === Number.POSITIVE_INFINITY
      ? undefined
      : setTimeout(() => patience.abort(), Math.min(timeoutMs, MAX_DELAY_MS));
  try {
    return await container.wait({ signal: patience.signal });
  } catch (error) {
    if (!(error instanceof CtrError && error.code === 'ABORTED')) throw error;
  } finally {
    clearTimeout(timer);
  }
  await killed(container, 'SIGKILL');
  return await container.wait({});
}

/** False when it had ended before. */
async function killed(container: Stoppable, signal: Signal): Promise<boolean> {
  try {
    await container.kill(signal);
    return true;
  } catch (error) {
    const hasEnded =
      error instanceof CtrError &&
      (error.code === 'CONTAINER_NOT_RUNNING' || error.code === 'CONTAINER_NOT_FOUND');
    if (hasEnded) return false;
    throw error;
  }
}
