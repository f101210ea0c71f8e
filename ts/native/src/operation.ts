/** Calls on their way: promises that settle by events, and nobody hears twice. */

import type { AddonEvent, Enforcement } from './addon.ts';
import { CtrError } from './error.ts';
import { toError } from './failure.ts';

/** A program that was executed. */
export interface Started {
  /** Of our own PID namespace; 0 when the process had ended before anyone could look. */
  pid: number;
  enforcement: Enforcement[];
}

/** The end of a process. */
export interface Exited {
  exitCode: number | null;
  /** A signal number. */
  signal: number | null;
  oomKilled: boolean;
  /**
   * `runtime-lost`: its owner died first, and it with it. `detached`: it was left to its launcher
   * and may still run.
   */
  reason?: 'runtime-lost' | 'detached';
}

/** What the events of one token settle. */
export interface Pending {
  /** Takes an event; true when it was the last. */
  take(event: AddonEvent): boolean;
  fail(error: unknown): void;
}

/** A pending call with one answer: `ready` or `done`. */
export function expectAnswer<T>(read: (event: AddonEvent) => T | undefined): [Pending, Promise<T>] {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const take = (event: AddonEvent): boolean => {
    if (event.type === 'failed') reject(toError(event.error));
    else {
      const answer = read(event);
      if (answer === undefined) return false;
      resolve(answer);
    }
    return true;
  };
  return [{ take, fail: reject }, promise];
}

/** A process that was asked for, as its events tell of it. */
export interface ExpectedProcess {
  pending: Pending;
  started: Promise<Started>;
  exited: Promise<Exited>;
  /** Waits for the answer to a request to detach; rejects when the process ends before it. */
  expectDetached(): Promise<void>;
}

/** A pending process: it starts, or fails; when it started, it ends or is left to its launcher. */
export function expectProcess(): ExpectedProcess {
  const started = Promise.withResolvers<Started>();
  const exited = Promise.withResolvers<Exited>();
  let detaching: PromiseWithResolvers<void> | undefined;
  // Whoever wants only one of the two is not to be punished for the other.
  started.promise.catch(() => {});
  exited.promise.catch(() => {});
  const fail = (error: unknown): void => {
    started.reject(error);
    exited.reject(error);
    detaching?.reject(error);
  };
  const take = (event: AddonEvent): boolean => {
    switch (event.type) {
      case 'started':
        started.resolve({ pid: event.pid, enforcement: event.enforcement });
        return false;
      case 'failed':
        fail(toError(event.error));
        return true;
      case 'exited': {
        const { exitCode, signal, oomKilled, reason } = event;
        const end = { exitCode, signal, oomKilled };
        exited.resolve(reason === undefined ? end : { ...end, reason });
        detaching?.reject(endedFirst());
        return true;
      }
      case 'detached':
        exited.resolve({ exitCode: null, signal: null, oomKilled: false, reason: 'detached' });
        detaching?.resolve();
        return true;
      case 'detachFailed':
        detaching?.reject(toError(event.error));
        detaching = undefined;
        return false;
      default:
        return false;
    }
  };
  const expectDetached = (): Promise<void> => {
    if (detaching === undefined) {
      detaching = Promise.withResolvers<void>();
      // Its end tells as much to whoever does not wait for this.
      detaching.promise.catch(() => {});
    }
    return detaching.promise;
  };
  return {
    pending: { take, fail },
    started: started.promise,
    exited: exited.promise,
    expectDetached,
  };
}

/** Why nothing can be detached any more. */
export function endedFirst(): CtrError {
  return new CtrError('CONTAINER_NOT_RUNNING', 'detach from the process: it has ended');
}
