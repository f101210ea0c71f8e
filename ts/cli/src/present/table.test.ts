import { expect, test } from 'vitest';
import { cut, formatBytes, table, wrap } from './table.ts';

test('columns are as wide as their widest cell and lines end without blanks', () => {
  expect(
    table(
      ['A', 'LONG'],
      [
        ['wide cell', 'x'],
        ['y', ''],
      ],
    ),
  ).toBe('A           LONG\nwide cell   x\ny\n');
});

test('text is broken at blanks, and inside a word only when it must be', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('/a/very/long/path', 8)).toEqual(['/a/very/', 'long/', 'path']);
  expect(wrap('rw,nosuid,nodev', 7)).toEqual(['rw,', 'nosuid,', 'nodev']);
  expect(wrap('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
  expect(wrap('', 5)).toEqual(['']);
});

test('what is cut says so', () => {
  expect(cut('abcdef', 4)).toBe('abc…');
  expect(cut('abcd', 4)).toBe('abcd');
});

test.each([
  [0, '0 B'],
  [1536, '1.5 KiB'],
  [256 * 1024 ** 2, '256 MiB'],
  [3 * 1024 ** 4, '3 TiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
