import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { GRAMMARS, INVALID_LINES, VALID_LINES } from './parser.test.cases.ts';
import { parse, wantsJson } from './parser.ts';

test.each(VALID_LINES)('$line', ({ verb, argv, flags, positionals }) => {
  expect(parse(GRAMMARS[verb], argv)).toEqual({ flags, positionals });
});

test.each(INVALID_LINES)('$line fails with $code', ({ verb, argv, code, says }) => {
  const error = failure(() => parse(GRAMMARS[verb], argv));
  expect(error.code).toBe(code);
  expect(`${error.message} | ${error.hint}`).toContain(says);
});

test('an error of a line with --json before the image is wanted as JSON', () => {
  expect(wantsJson(GRAMMARS.run, ['--json', '--nope'])).toBe(true);
  expect(wantsJson(GRAMMARS.run, ['--nope', '--json'])).toBe(true);
  expect(wantsJson(GRAMMARS.run, ['host:', 'tool', '--json'])).toBe(false);
  expect(wantsJson(GRAMMARS.run, ['--json=false', '--nope'])).toBe(false);
});

function failure(act: () => unknown): CtrError {
  try {
    act();
  } catch (error) {
    if (error instanceof CtrError) return error;
    throw error;
  }
  throw new Error('did not fail');
}
