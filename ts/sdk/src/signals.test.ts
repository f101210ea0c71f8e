import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { signalName, signalNumber } from './signals.ts';

test.each([
  ['SIGTERM', 15],
  ['term', 15],
  ['sigkill', 9],
  ['9', 9],
  [1, 1],
  ['RTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['64', 64],
] as const)('%j is signal %d', (signal, number) => {
  expect(signalNumber(signal)).toBe(number);
});

test.each(['', 'SIG', '0', 0, 65, -1, 'NOPE', '1.5', 'toString', 'RTMIN+99'])(
  '%j is no signal',
  (signal) => {
    expect(() => signalNumber(signal)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  },
);

test('names and numbers agree with this machine', () => {
  for (const name of ['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGSYS'] as const) {
    expect(signalName(constants.signals[name])).toBe(name);
  }
  expect(signalName(36)).toBe('SIGRTMIN+2');
  expect(signalName(null)).toBeNull();
});
