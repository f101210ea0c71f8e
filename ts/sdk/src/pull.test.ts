import { expect, test } from 'vitest';
import { CtrError } from './errors.ts';
import { listOf } from './iterate.test.fixture.ts';
import { Pull, type PullEvent, type PullResult } from './pull.ts';

const RESULT: PullResult = {
  reference: 'docker.io/library/alpine:latest',
  name: 'alpine:latest',
  upToDate: false,
  image: {
    id: 'sha256:1',
    references: [],
    names: [],
    digest: 'sha256:2',
    platform: 'linux/amd64',
    createdAt: null,
    sizeBytes: 1,
    pulledAt: '2026-01-01T00:00:00.000Z',
  },
};

const layer = (digest: string, bytes: number): PullEvent => ({
  type: 'layer',
  digest,
  state: 'downloading',
  bytes,
  size: 9,
});

/** A pull that reports these events and then ends. */
const pullOf = (events: PullEvent[], seen: PullEvent[] = []) =>
  new Pull({ onEvent: (event) => seen.push(event) }, async ({ onEvent }) => {
    for (const event of events) onEvent?.(event);
    return RESULT;
  });

test('awaiting gives the result and iterating the events, in any order', async () => {
  const pull = pullOf([layer('a', 1), layer('b', 1), layer('a', 2)]);
  expect(await pull).toEqual(RESULT);
  // Of counts that nobody read, the last is enough.
  expect(await listOf(pull)).toEqual([layer('a', 2), layer('b', 1)]);
});

test('the callback gets every event', async () => {
  const seen: PullEvent[] = [];
  await pullOf([layer('a', 1), layer('a', 2)], seen);
  expect(seen).toEqual([layer('a', 1), layer('a', 2)]);
});

test('a failure goes to whoever awaits or iterates, and to nobody else', async () => {
  const failed = () =>
    new Pull({}, async () => {
      throw new CtrError('REGISTRY_UNREACHABLE', 'no network');
    });
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', listen);
  failed();
  const iterated = failed();
  await expect(listOf(iterated)).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  await expect(failed()).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' });
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', listen);
  expect(unhandled).toEqual([]);
});

/** Goes on until it is given up. */
const endless = (signal?: AbortSignal) =>
  new Pull(
    { signal },
    (own) =>
      new Promise((_, reject) => {
        own.signal?.addEventListener('abort', () => reject(own.signal?.reason));
      }),
  );

test('the caller gives up by its signal', async () => {
  const controller = new AbortController();
  const pull = endless(controller.signal);
  controller.abort();
  await expect(pull).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(endless(AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
});

test('disposing gives up and waits', async () => {
  const pull = endless();
  await pull[Symbol.asyncDispose]();
  await expect(pull).rejects.toMatchObject({ code: 'ABORTED' });
});
