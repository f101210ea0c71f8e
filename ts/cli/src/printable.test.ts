import { expect, test } from 'vitest';
import { printable } from './printable.ts';

test('escape sequences are shown, not obeyed', () => {
  expect(printable('a\u001b[2Jb\u009b0m\r\n')).toBe('a\\x1b[2Jb\\x9b0m\\x0d\\x0a');
  expect(printable('\u202edesrever')).toBe('\\u202edesrever');
});

test('letters of any language stay', () => {
  expect(printable('grün — 緑')).toBe('grün — 緑');
});
