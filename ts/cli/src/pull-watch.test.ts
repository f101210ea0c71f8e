import { expect, test } from 'vitest';
import { recordingIo } from './io.test.fixture.ts';
import { layer, manifest, pulled } from './present/pull.test.fixture.ts';
import { terminalIo } from './present/terminal.test.fixture.ts';
import { pullWatch } from './pull-watch.ts';

const pulling = {
  type: 'pulling',
  reference: 'docker.io/library/alpine:3.20',
  name: 'alpine:3.20',
} as const;

test('an image that was missing is announced as in docker', () => {
  const io = recordingIo();
  const watch = pullWatch(io, { quiet: false, policy: undefined });
  for (const event of [pulling, manifest('a'), layer('a', 'unpacked'), pulled(false)]) {
    watch.onPull(event);
  }
  expect(io.stderr()).toMatch(
    /^Unable to find image 'alpine:3.20' locally\n3.20: Pulling from .*\nStatus: .*\n$/s,
  );
});

test('a pull that was asked for is not called missing, and a quiet one says nothing', () => {
  const always = recordingIo();
  pullWatch(always, { quiet: false, policy: 'always' }).onPull(pulling);
  const quiet = recordingIo();
  const watch = pullWatch(quiet, { quiet: true, policy: undefined });
  for (const event of [pulling, manifest('a'), pulled(false)]) watch.onPull(event);
  expect([always.stderr(), quiet.stderr()]).toEqual(['', '']);
});

test('a failure ends the progress before anything is said about it', () => {
  const io = terminalIo(80, 24);
  const watch = pullWatch(io, { quiet: false, policy: 'always' });
  for (const event of [pulling, manifest('a'), layer('a', 'downloading', 1)]) watch.onPull(event);
  watch.close();
  io.note('ctr-ts: gone');
  expect(io.lines().at(-1)).toBe('ctr-ts: gone');
  expect(io.lines().at(-2)).toMatch(/^a0+: Downloading/);
});
