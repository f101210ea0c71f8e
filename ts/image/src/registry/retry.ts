/** Another attempt, later and later, while it may help. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CtrError } from '@ctr-ts/native';
import type { NetworkLimits } from './network.ts';

/** A failure that another attempt may mend. Never leaves the registry client. */
export class Transient extends Error {
  /** What is reported when there is no further attempt. */
  readonly failure: CtrError;
  /** What the server asked us to wait. */
  readonly afterMs: number | undefined;

  constructor(failure: CtrError, afterMs?: number) {
    super(failure.message, { cause: failure });
    this.name = 'Transient';
    this.failure = failure;
    this.afterMs = afterMs;
  }
}

export interface Retry {
  operation: string;
  error: string;
  delayMs: number;
}

export interface RetryOptions {
  operation: string;
  limits: NetworkLimits;
  signal?: AbortSignal | undefined;
  onRetry?: ((retry: Retry) => void) | undefined;
  /** Bytes got so far: attempts count only while it stands still. */
  progress?: () => number;
}

const MAX_DELAY_MS = 15_000;
/** Less is no progress: a server that drops every connection after a byte is broken. */
const PROGRESS_BYTES = 64 * 1024;

/** Runs `attempt` until it succeeds, fails for good or is out of attempts. */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { operation, limits, signal, onRetry, progress = () => 0 } = options;
  let reached = 0;
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      if (progress() >= reached + PROGRESS_BYTES) {
        reached = progress();
        failures = 1;
      }
      if (failures >= limits.attempts) throw error.failure;
      const delayMs = delay(failures, error.afterMs, limits.retryDelayMs);
      onRetry?.({ operation, error: error.message, delayMs });
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      signal?.throwIfAborted();
    }
  }
}

/** Spread by a quarter, so that parallel downloads do not come back all at once. */
function delay(failures: number, afterMs: number | undefined, firstMs: number): number {
  const spread = 0.75 + Math.random() / 2;
  const own = firstMs * 2 ** (failures - 1) * spread;
  return Math.round(Math.min(Math.max(own, afterMs ?? 0), MAX_DELAY_MS));
}
