import { CtrError } from '@ctr-ts/sdk';
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

test('signals give up a pull, and nothing before or after it', () => {
  const before = process.listenerCount('SIGINT');
  const watch = pullWatch(recordingIo(), { quiet: true, policy: undefined });
  expect(process.listenerCount('SIGINT')).toBe(before);
  watch.onPull(pulling);
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  watch.onPull(pulled(false));
  expect(process.listenerCount('SIGINT')).toBe(before);
  const error = new CtrError('COMMAND_NOT_FOUND', 'no such program');
  expect(() => watch.exitCode(error)).toThrow(error);
});

test('a failure ends the progress before anything is said about it', () => {
  const io = terminalIo(80, 24);
  const watch = pullWatch(io, { quiet: false, policy: 'always' });
  for (const event of [pulling, manifest('a'), layer('a', 'downloading', 1)]) watch.onPull(event);
  const error = new CtrError('REGISTRY_UNREACHABLE', 'gone');
  expect(() => watch.exitCode(error)).toThrow(error);
  io.note('ctr-ts: gone');
  expect(io.lines().at(-1)).toBe('ctr-ts: gone');
  expect(io.lines().at(-2)).toMatch(/^a0+: Downloading/);
});
