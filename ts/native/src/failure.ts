/** Failures of the addon as errors. */

import type { NativeFailure } from './addon.ts';
import { CtrError } from './error.ts';

/** The error a failure event stands for. */
export function toError({ code, message, ...facts }: NativeFailure): CtrError {
  return new CtrError(code, message, facts);
}

/** Calls a synchronous function of the addon, whose errors carry a failure as JSON. */
export function call<T>(operation: () => T): T {
  try {
    return operation();
  } catch (error) {
    throw fromThrown(error);
  }
}

export function fromThrown(error: unknown): unknown {
  const text = error instanceof Error ? error.message : '';
  if (!text.startsWith('{')) return error;
  try {
    return toError(JSON.parse(text) as NativeFailure);
  } catch {
    return error;
  }
}
