import { expect, test } from 'vitest';

import { cargoMinutes, suites } from './suites.ts';
import { closingLine, emptyTally, isGreen, sum } from './tally.ts';

test('the closing line counts tests, and a crash as a failure', () => {
  const tally = {
    ...emptyTally(),
    passed: 3,
    failed: 1,
    skipped: [{ name: 'a', reason: 'b' }],
    problems: ['crash'],
  };
  expect(closingLine(sum([tally, emptyTally()]))).toBe('3 passed, 2 failed, 1 skipped');
});

test('a run without a test is not green', () => {
  expect(isGreen(emptyTally())).toBe(false);
  expect(isGreen({ ...emptyTally(), passed: 1 })).toBe(true);
});

test('the budgets of all folders are at most half an hour', () => {
  expect(
    suites.reduce((minutes, suite) => minutes + suite.minutes, cargoMinutes),
  ).toBeLessThanOrEqual(30);
});
