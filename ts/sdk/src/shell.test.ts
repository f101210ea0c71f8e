import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { type ShellValue, shellScript } from './shell.ts';

/** What sh makes of the words of a template. */
function words(texts: TemplateStringsArray, ...values: ShellValue[]): string[] {
  const script = `for word in ${shellScript(texts, values)}; do printf '%s\\0' "$word"; done`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

test('a value is one word whatever is in it', () => {
  const nasty = [
    'a b',
    "it's",
    '$(id)',
    '`id`',
    '; id',
    '* ?',
    '"',
    '\\',
    'a\nb',
    '',
    '-n',
    '\u{1f600}',
  ];
  for (const value of nasty)
    expect(words`before ${value} after`).toEqual(['before', value, 'after']);
});

test('an array is one word per element, and none for an empty one', () => {
  expect(words`x ${['a b', 3, "'"]} y`).toEqual(['x', 'a b', '3', "'", 'y']);
  expect(words`x ${[]} y`).toEqual(['x', 'y']);
});

test('a value beside text joins it to one word', () => {
  expect(words`--name=${'my file'}.txt`).toEqual(['--name=my file.txt']);
});
