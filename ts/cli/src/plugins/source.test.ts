import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from './plugin.test.fixture.ts';
import { readSource } from './source.ts';

test.each(['name', 'name@1.2.3', 'name@^1', 'name@latest', '@scope/name', '@scope/name@>=1 <3'])(
  'a package: %s',
  (spec) => {
    expect(readSource(spec)).toEqual({ type: 'package', spec });
  },
);

test('a packed file, by its absolute path', () => {
  const path = join(temporaryFolder(), 'x-1.0.0.tgz');
  writeFileSync(path, '');
  expect(readSource(path)).toEqual({ type: 'file', path });
});

test.each([
  ['/no/such.tgz', 'FILE_NOT_FOUND', undefined],
  ['such.tgz', 'FILE_NOT_FOUND', undefined],
  ['/proc', 'INVALID_ARGUMENT', 'ctr-ts plugins link /proc'],
  ['.', 'INVALID_ARGUMENT', 'ctr-ts plugins link .'],
  ['', 'INVALID_ARGUMENT', undefined],
  ['--global', 'INVALID_ARGUMENT', undefined],
  ['name@npm:other', 'INVALID_ARGUMENT', undefined],
  ['name@file:../x', 'INVALID_ARGUMENT', undefined],
  ['github:owner/name', 'INVALID_ARGUMENT', undefined],
  ['git+ssh://host/x.git', 'INVALID_ARGUMENT', undefined],
  ['https://host/x.tgz', 'INVALID_ARGUMENT', undefined],
])('refused: %j with %s', (text, code, hint) => {
  const expected = hint === undefined ? { code } : { code, hint };
  expect(() => readSource(text)).toThrow(expect.objectContaining(expected));
});
