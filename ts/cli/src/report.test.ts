import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { recordingIo } from './io.test.fixture.ts';
import { errorDocument, errorText, exitCodeOf, exitCodeOfProcess, report } from './report.ts';

const full = new CtrError('CGROUP_NOT_DELEGATED', 'cannot make the group', {
  hint: 'ask for delegation',
  call: 'mkdir',
  arguments: '/sys/fs/cgroup/x',
  errno: 13,
});

test('an error is one line with its code and one line with the next step', () => {
  expect(errorText(full)).toBe(
    'ctr-ts: cannot make the group [CGROUP_NOT_DELEGATED]\n  next: ask for delegation',
  );
});

test('an error without a next step is one line', () => {
  expect(errorText(new CtrError('X', 'cannot do it'))).toBe('ctr-ts: cannot do it [X]');
});

test('a well-known code has a next step even when its error has none', () => {
  expect(errorText(new CtrError('COMMAND_NOT_FOUND', 'no x'))).toMatch(
    /^ctr-ts: no x \[.*\]\n {2}next: /,
  );
});

test('a message of several lines stays on one', () => {
  expect(errorText(new CtrError('X', 'first\n  second'))).toBe('ctr-ts: first; second [X]');
});

test('the JSON of an error carries its facts', () => {
  expect(errorDocument(full)).toEqual({
    error: {
      code: 'CGROUP_NOT_DELEGATED',
      message: 'cannot make the group',
      hint: 'ask for delegation',
      call: 'mkdir',
      arguments: '/sys/fs/cgroup/x',
      errno: 13,
    },
  });
});

test('an error that is not ours is called a bug', () => {
  expect(errorDocument(new TypeError('x is not a function')).error).toMatchObject({
    code: 'INTERNAL',
    message: 'x is not a function',
  });
  expect(exitCodeOf(new TypeError('x'))).toBe(125);
});

test('with --json the error goes to stdout and nothing to stderr', () => {
  const io = recordingIo();
  expect(report(full, io, true)).toBe(125);
  expect(JSON.parse(io.stdout())).toEqual(errorDocument(full));
  expect(io.stderr()).toBe('');
});

test('without it nothing goes to stdout', () => {
  const io = recordingIo();
  report(full, io);
  expect(io.stdout()).toBe('');
  expect(io.stderr()).toBe(`${errorText(full)}\n`);
});

test.each([
  ['COMMAND_NOT_FOUND', 127],
  ['COMMAND_NOT_EXECUTABLE', 126],
  ['NAME_IN_USE', 125],
  ['UNSUPPORTED_ENVIRONMENT', 125],
])('%s exits with %i', (code, exit) => {
  expect(exitCodeOf(new CtrError(code, 'x'))).toBe(exit);
});

test.each([
  [{ exitCode: 0, signal: null }, 0],
  [{ exitCode: 3, signal: null }, 3],
  [{ exitCode: null, signal: 'SIGKILL' }, 137],
  [{ exitCode: null, signal: 'SIGTERM' }, 143],
  [{ exitCode: null, signal: 15 }, 143],
  [{ exitCode: null, signal: 'SIGKILL', timedOut: true }, 137],
  [{ exitCode: 0, signal: null, timedOut: true }, 137],
  [{ exitCode: null, signal: 'SIGRTMIN+1' }, 163],
  [{ exitCode: null, signal: null }, 125],
])('a process that ended with %o exits with %i', (ended, exit) => {
  expect(exitCodeOfProcess(ended)).toBe(exit);
});
