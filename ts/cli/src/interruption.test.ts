import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { interruption } from './interruption.ts';
import { recordingIo } from './io.test.fixture.ts';

const aborted = new CtrError('ABORTED', 'aborted by the caller');

test('a signal aborts, and the exit code says which it was', async () => {
  const io = recordingIo();
  using work = interruption(io);
  process.kill(process.pid, 'SIGTERM');
  await new Promise((resolve) => work.signal.addEventListener('abort', resolve));
  expect(work.exitCode(aborted)).toBe(143);
  expect(io.stderr()).toBe('ctr-ts: given up (SIGTERM)\n');
});

test('any other failure stays what it is', () => {
  using work = interruption(recordingIo());
  expect(() => work.exitCode(aborted)).toThrow(aborted);
  const other = new Error('other');
  expect(() => work.exitCode(other)).toThrow(other);
});

test('nobody listens after its end', () => {
  const before = process.listenerCount('SIGINT');
  {
    using _work = interruption(recordingIo());
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
  }
  expect(process.listenerCount('SIGINT')).toBe(before);
});
