import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { digest, layer, manifest, pulled, RETRY } from './pull.test.fixture.ts';
import { layerLine, PullScreen } from './pull-screen.ts';
import { terminalIo } from './terminal.test.fixture.ts';

/** Longer than a frame. */
const A_FRAME_MS = 150;

test('each layer is one line that changes in place', async () => {
  const io = terminalIo(80, 24);
  const screen = new PullScreen(io);
  screen.take(manifest('aaa', 'bbb'));
  expect(io.lines()).toEqual([
    '3.20: Pulling from library/alpine',
    'aaa000000000: Waiting',
    'bbb000000000: Waiting',
  ]);
  screen.take(layer('bbb', 'downloading', 500_000));
  await delay(A_FRAME_MS);
  expect(io.lines()).toEqual([
    '3.20: Pulling from library/alpine',
    'aaa000000000: Waiting',
    expect.stringMatching(/^bbb0{9}: Downloading \[=+> +\] {2}500kB\/1MB$/),
  ]);
  screen.take(RETRY);
  for (const name of ['aaa', 'bbb']) screen.take(layer(name, 'unpacked'));
  screen.take(pulled(false));
  // A second close, as in `finally`, draws nothing more.
  screen.close();
  expect(io.lines()).toEqual([
    '3.20: Pulling from library/alpine',
    'Retrying in 2 seconds: download sha256:aaa: the connection broke',
    'aaa000000000: Pull complete',
    'bbb000000000: Pull complete',
    `Digest: ${digest('f')}`,
    'Status: Downloaded newer image for alpine:3.20',
  ]);
});

test('a failure leaves the last state, and what follows stands below', () => {
  const io = terminalIo(80, 24);
  const screen = new PullScreen(io);
  screen.take(manifest('aaa'));
  screen.take(layer('aaa', 'downloading', 1));
  screen.close();
  io.note('ctr-ts: gone');
  expect(io.lines().slice(1)).toEqual([
    expect.stringMatching(/^aaa0{9}: Downloading \[> +\] {2}1B\/1MB$/),
    'ctr-ts: gone',
  ]);
});

test('what does not fit on the screen is counted until the end, and then shown', async () => {
  const io = terminalIo(80, 6);
  const screen = new PullScreen(io);
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  screen.take(manifest(...names));
  for (const name of ['a', 'b']) screen.take(layer(name, 'unpacked'));
  screen.take(layer('h', 'downloading', 1));
  await delay(A_FRAME_MS);
  const drawn = io.lines();
  expect(drawn).toHaveLength(6);
  expect(drawn[1]).toMatch(/^h0+: Downloading/);
  expect(drawn.at(-1)).toBe('2 of 8 layers complete');
  for (const name of names) screen.take(layer(name, 'unpacked'));
  screen.close();
  expect(io.lines().slice(-8)).toEqual(names.map((name) => `${name}00000000000: Pull complete`));
});

test('a terminal made narrower does not leave old lines behind', async () => {
  const io = terminalIo(80, 24);
  const wide = { columns: 160, rows: 24 };
  let size = wide;
  const screen = new PullScreen({
    ...io,
    get screen() {
      return size;
    },
  });
  screen.take(manifest('aaa'));
  screen.take(layer('aaa', 'downloading', 999_999));
  size = { columns: 80, rows: 24 };
  await delay(A_FRAME_MS);
  expect(io.lines()).toHaveLength(2);
});

test.each([20, 30, 44, 60, 80, 200])('a line fits into %i columns', (columns) => {
  for (const state of ['waiting', 'downloading', 'unpacking', 'unpacked'] as const) {
    const text = layerLine({ digest: digest('abc'), state, bytes: 123_456, size: 2e9 }, columns);
    expect(text.length).toBeLessThanOrEqual(columns);
  }
});

test('a layer of a size that was a lie draws no impossible bar', () => {
  const over = { digest: digest('a'), state: 'downloading', bytes: 99, size: 1 } as const;
  expect(layerLine(over, 80)).toMatch(/ \[=+\] {2}99B\/1B$/);
});
