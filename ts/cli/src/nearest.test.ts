import { expect, test } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

test.each([
  ['', '', 0],
  ['a', '', 1],
  ['kitten', 'sitting', 3],
  ['memroy', 'memory', 1],
  ['ab', 'ba', 1],
])('from %j to %j it takes %i', (a, b, steps) => {
  expect(editDistance(a, b)).toBe(steps);
  expect(editDistance(b, a)).toBe(steps);
});

test('an abbreviation finds its word', () => {
  expect(nearest('mem', ['name', 'memory', 'rm'])).toBe('memory');
});

test('nothing is suggested for a word that is like none', () => {
  expect(nearest('xyzzy', ['name', 'memory', 'volume'])).toBeUndefined();
});
