import { expect, test } from 'vitest';
import { DetachKeys, parseDetachKeys } from './detach-keys.ts';

test.each([
  [undefined, [16, 17]],
  ['', [16, 17]],
  ['ctrl-p,ctrl-q', [16, 17]],
  ['ctrl-a', [1]],
  ['ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_', [0, 27, 28, 29, 30, 31]],
  ['a,b,c', [97, 98, 99]],
  ['DEL,Q', [127, 81]],
])('%s is read as docker reads it', (text, bytes) => {
  expect([...parseDetachKeys(text)]).toEqual(bytes);
});

test.each(['ctrl-', 'ctrl-A', 'ctrl-ab', 'ab', 'ctrl-p,', 'ctrl-1', 'é', 'ctrl-p ctrl-q'])(
  '%j is no key sequence',
  (text) => {
    expect(() => parseDetachKeys(text)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
  },
);

/** What is passed on of chunks of input, and whether the sequence was found. */
function typed(keys: string, ...chunks: string[]): [string, boolean] {
  const matcher = new DetachKeys(parseDetachKeys(keys));
  let passed = '';
  for (const chunk of chunks) {
    const { pass, complete } = matcher.take(Buffer.from(chunk, 'latin1'));
    passed += pass.toString('latin1');
    if (complete) return [passed, true];
  }
  return [passed, false];
}

test.each([
  ['in one chunk', ['\x10\x11'], '', true],
  ['in two chunks', ['\x10', '\x11'], '', true],
  ['after other input', ['ls\r\x10', '\x11'], 'ls\r', true],
  ['with input after it, which is dropped', ['a\x10\x11b'], 'a', true],
  ['begun twice', ['\x10\x10\x11'], '\x10', true],
  ['begun and not completed: passed on with the next key', ['\x10', 'x'], '\x10x', false],
  ['begun and waiting', ['\x10'], '', false],
  ['only its second key', ['\x11'], '\x11', false],
  ['bytes that are no text', ['\xff\x00\x10'], '\xff\x00', false],
])('the default keys %s', (_, chunks, passed, complete) => {
  expect(typed('ctrl-p,ctrl-q', ...chunks)).toEqual([passed, complete]);
});

test('a sequence that overlaps itself is found in every place', () => {
  expect(typed('a,a,b', 'aaab')).toEqual(['a', true]);
  expect(typed('a,b,a,c', 'ababac')).toEqual(['ab', true]);
  expect(typed('a,b,a,c', 'abab', 'x')).toEqual(['ababx', false]);
  expect(typed('x', 'yx')).toEqual(['y', true]);
});
