import { expect, test } from 'vitest';
import { CtrError, ERROR_CODES } from './error.ts';

test('an error has only the facts that are known', () => {
  const error = new CtrError('NAME_IN_USE', 'create container web: the name is in use');
  expect(Object.keys(error)).not.toContain('hint');
  expect(error.toJSON()).toEqual({
    code: 'NAME_IN_USE',
    message: 'create container web: the name is in use',
  });
});

test('a remedy is the hint unless there is a better one', () => {
  const plain = new CtrError('UNSUPPORTED_ENVIRONMENT', 'x', { remedy: 'sysctl' });
  expect(plain).toMatchObject({ hint: 'sysctl', remedy: 'sysctl' });
  const both = new CtrError('UNSUPPORTED_ENVIRONMENT', 'x', { remedy: 'sysctl', hint: 'ask root' });
  expect(both.hint).toBe('ask root');
});

test('an error carries its cause, the facts of the system call and JSON of both', () => {
  const cause = new Error('below');
  const facts = { step: 'mount /proc', call: 'fsopen', arguments: '"proc"', errno: 1 };
  const error = new CtrError('MOUNT_FAILED', 'mount /proc', { ...facts, cause });
  expect(error.cause).toBe(cause);
  expect(error).toBeInstanceOf(Error);
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'MOUNT_FAILED',
    message: 'mount /proc',
    ...facts,
  });
});

test('an error number of 0 is no error number', () => {
  expect(new CtrError('INTERNAL', 'x', { errno: 0 }).errno).toBeUndefined();
});

test('codes are upper case and each is there once', () => {
  expect(new Set(ERROR_CODES).size).toBe(ERROR_CODES.length);
  for (const code of ERROR_CODES) expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
});
