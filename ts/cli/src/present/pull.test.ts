import { expect, test } from 'vitest';
import { recordingIo } from '../io.test.fixture.ts';
import { digest, layer, manifest, pulled, RETRY } from './pull.test.fixture.ts';
import { pullPresenter } from './pull.ts';
import { pullHeading } from './pull-state.ts';

test('without a terminal each change is a line, and bytes are none', () => {
  const io = recordingIo();
  const presenter = pullPresenter(io);
  for (const event of [
    manifest('aaa', 'bbb'),
    layer('aaa', 'exists'),
    layer('aaa', 'unpacked'),
    layer('bbb', 'downloading', 10),
    layer('bbb', 'downloading', 20),
    RETRY,
    layer('bbb', 'downloaded'),
    layer('bbb', 'unpacking'),
    layer('bbb', 'unpacked'),
    pulled(false),
  ]) {
    presenter.take(event);
  }
  presenter.close();
  expect(io.stderr().trimEnd().split('\n')).toEqual([
    '3.20: Pulling from library/alpine',
    'aaa000000000: Already exists',
    'bbb000000000: Downloading',
    'Retrying in 2 seconds: download sha256:aaa: the connection broke',
    'bbb000000000: Download complete',
    'bbb000000000: Extracting',
    'bbb000000000: Pull complete',
    `Digest: ${digest('f')}`,
    'Status: Downloaded newer image for alpine:3.20',
  ]);
  expect(io.stdout()).toBe('');
});

test('an image that was there is said to be up to date', () => {
  const io = recordingIo();
  pullPresenter(io).take(pulled(true));
  expect(io.stderr()).toBe(`Digest: ${digest('f')}\nStatus: Image is up to date for alpine:3.20\n`);
});

test('what failed is named once', () => {
  const io = recordingIo();
  const error = `${RETRY.operation}: the server answers 500`;
  pullPresenter(io).take({ ...RETRY, error, delayMs: 300 });
  expect(io.stderr()).toBe(`Retrying in 1 second: ${error}\n`);
});

test('what a registry says cannot move the cursor', () => {
  const io = recordingIo();
  pullPresenter(io).take({ ...RETRY, error: '\u001b[2Jgone' });
  expect(io.stderr()).not.toContain('\u001b');
});

test.each([
  ['docker.io/library/alpine:latest', 'latest: Pulling from library/alpine'],
  ['localhost:5000/a/b:1', '1: Pulling from a/b'],
  [`ghcr.io/a@${digest('1')}`, `${digest('1')}: Pulling from a`],
])('%s', (reference, heading) => {
  expect(pullHeading(reference)).toBe(heading);
});
