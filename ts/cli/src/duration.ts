/** Lengths of time as people write them. */

import { CtrError } from '@ctr-ts/sdk';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The longest timer Node keeps. */
const MAX_MS = 2 ** 31 - 1;

/**
 * Milliseconds of `30`, `30s`, `1.5m`, `2h`, `500ms`; a bare number is seconds.
 *
 * @throws CtrError `INVALID_LIMIT`
 */
export function parseDurationMs(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const unit = UNITS[match?.[2] ?? ''];
  const durationMs = match && unit ? Math.round(Number(match[1]) * unit) : Number.NaN;
  if (durationMs >= 1 && durationMs <= MAX_MS) return durationMs;
  throw new CtrError('INVALID_LIMIT', `invalid ${what} ${JSON.stringify(text)}`, {
    hint: 'write seconds or a number with ms, s, m or h, at most 24 days: 30s',
  });
}

/** `1500` as `1.5s`. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${durationMs}ms` : `${Number((durationMs / 1000).toFixed(3))}s`;
}
