import { expect, test } from 'vitest';
import { expectAnswer, expectProcess } from './operation.ts';

const failed = {
  token: 1,
  type: 'failed',
  error: { code: 'COMMAND_NOT_FOUND', message: 'execute nope', errno: 2 },
} as const;

test('a process starts, then ends, and the end is its last event', async () => {
  const { pending, started, exited } = expectProcess();
  expect(pending.take({ token: 1, type: 'started', pid: 7, enforcement: [] })).toBe(false);
  const exit = { exitCode: 3, signal: null, oomKilled: false };
  expect(pending.take({ token: 1, type: 'exited', ...exit })).toBe(true);
  expect(await started).toEqual({ pid: 7, enforcement: [] });
  expect(await exited).toEqual(exit);
});

test('a failure rejects both promises with one coded error', async () => {
  const { pending, started, exited } = expectProcess();
  expect(pending.take(failed)).toBe(true);
  const error = await started.catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'COMMAND_NOT_FOUND', errno: 2 });
  await expect(exited).rejects.toBe(error);
});

test('a failure that nobody waits for is not an unhandled rejection', async () => {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', listen);
  expectProcess().pending.take(failed);
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off('unhandledRejection', listen);
  expect(unhandled).toEqual([]);
});

test('an answer of null is an answer, and an event of another kind is none', async () => {
  const [pending, answer] = expectAnswer((event) =>
    event.type === 'done' ? event.result : undefined,
  );
  expect(pending.take({ token: 1, type: 'ready', uidMap: [], gidMap: [] })).toBe(false);
  expect(pending.take({ token: 1, type: 'done', result: null })).toBe(true);
  expect(await answer).toBeNull();
});

test('a process that is left to its launcher ends here as detached', async () => {
  const { pending, exited, expectDetached } = expectProcess();
  pending.take({ token: 1, type: 'started', pid: 7, enforcement: [] });
  const detached = expectDetached();
  expect(pending.take({ token: 1, type: 'detached' })).toBe(true);
  await detached;
  expect(await exited).toEqual({
    exitCode: null,
    signal: null,
    oomKilled: false,
    reason: 'detached',
  });
});

test('a refusal to detach leaves the process as it was, and it can be asked again', async () => {
  const { pending, exited, expectDetached } = expectProcess();
  pending.take({ token: 1, type: 'started', pid: 7, enforcement: [] });
  const error = { code: 'NO_TERMINAL', message: 'detach from the process' };
  const first = expectDetached();
  expect(pending.take({ token: 1, type: 'detachFailed', error })).toBe(false);
  await expect(first).rejects.toMatchObject({ code: 'NO_TERMINAL' });
  const second = expectDetached();
  pending.take({ token: 1, type: 'exited', exitCode: 0, signal: null, oomKilled: false });
  await expect(second).rejects.toMatchObject({ code: 'CONTAINER_NOT_RUNNING' });
  expect(await exited).toMatchObject({ exitCode: 0 });
});
