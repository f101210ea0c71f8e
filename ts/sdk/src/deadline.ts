/** When a caller has had enough: an AbortSignal that fires, or a time limit that passes. */

import { CtrError } from './errors.ts';

/** What a caller can say about when to give up. */
export interface DeadlineOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

/** The longest delay a timer holds: 24 days. */
export const MAX_DELAY_MS = 2 ** 31 - 1;

/** Whether a timer can wait so long. */
export function isDelay(ms: number | undefined): ms is number {
  return ms !== undefined && ms > 0 && ms <= MAX_DELAY_MS;
}

/** One thing that may be given up. */
export class Deadline {
  readonly #controller = new AbortController();
  #timedOut = false;
  #aborted: CtrError | undefined;
  #disarm: () => void = () => {};

  /** Begins to count. */
  constructor({ signal, timeoutMs }: DeadlineOptions) {
    const onAbort = (): void => {
      this.#aborted = new CtrError('ABORTED', 'aborted by the caller', { cause: signal?.reason });
      this.#controller.abort(this.#aborted);
    };
    const onTimeout = (): void => {
      this.#timedOut = true;
      this.giveUp(new CtrError('TIMED_OUT', `not started within ${timeoutMs} ms`));
    };
    // What is no delay is refused by validateProcess; a timer would only warn and fire at once.
    const timer = isDelay(timeoutMs) ? setTimeout(onTimeout, timeoutMs) : undefined;
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#disarm = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    if (signal?.aborted === true) onAbort();
  }

  /** Fires once, with a coded error as its reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time limit passed. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Set when the caller's own signal fired. */
  get aborted(): CtrError | undefined {
    return this.#aborted;
  }

  /** Gives up for a reason of our own. */
  giveUp(reason: CtrError): void {
    this.#controller.abort(reason);
  }

  /** Stops counting: what was waited for is over. */
  disarm(): void {
    this.#disarm();
  }
}
