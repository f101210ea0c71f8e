/** Calls on their way: promises that settle by events, and nobody hears twice. */

import type { AddonEvent, Enforcement } from './addon.ts';
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
  /** Its owner died first, and it with it. */
  reason?: 'runtime-lost';
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

/** A pending process: it starts, or fails; when it started, it ends. */
export function expectProcess(): [Pending, Promise<Started>, Promise<Exited>] {
  const started = Promise.withResolvers<Started>();
  const exited = Promise.withResolvers<Exited>();
  // Whoever wants only one of the two is not to be punished for the other.
  started.promise.catch(() => {});
  exited.promise.catch(() => {});
  const fail = (error: unknown): void => {
    started.reject(error);
    exited.reject(error);
  };
  const take = (event: AddonEvent): boolean => {
    if (event.type === 'started') {
      started.resolve({ pid: event.pid, enforcement: event.enforcement });
      return false;
    }
    if (event.type === 'failed') fail(toError(event.error));
    else if (event.type === 'exited') {
      const { exitCode, signal, oomKilled, reason } = event;
      exited.resolve({ exitCode, signal, oomKilled, ...(reason === undefined ? {} : { reason }) });
    } else return false;
    return true;
  };
  return [{ take, fail }, started.promise, exited.promise];
}
