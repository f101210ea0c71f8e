import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { forEachTarget } from './each.ts';
import { recordingIo } from './io.test.fixture.ts';

const failOn =
  (bad: string) =>
  async (name: string): Promise<void> => {
    if (name === bad) throw new CtrError('SOME_CODE', `no container ${name}`);
  };

test('a failure does not hide the others', async () => {
  const io = recordingIo();
  expect(await forEachTarget(['a', 'b', 'c'], io, false, failOn('b'))).toBe(125);
  expect(io.stdout()).toBe('a\nc\n');
  expect(io.stderr()).toBe('ctr-ts: no container b [SOME_CODE]\n');
});

test('several names give one JSON document', async () => {
  const io = recordingIo();
  expect(await forEachTarget(['a', 'b'], io, true, failOn('b'))).toBe(125);
  expect(JSON.parse(io.stdout())).toEqual([
    { name: 'a', ok: true },
    { name: 'b', ok: false, error: { code: 'SOME_CODE', message: 'no container b' } },
  ]);
  expect(io.stderr()).toBe('');
});

test('with JSON the error of a single name is the document', async () => {
  const io = recordingIo();
  await expect(forEachTarget(['b'], io, true, failOn('b'))).rejects.toThrow('no container b');
  expect(io.stdout()).toBe('');
});
