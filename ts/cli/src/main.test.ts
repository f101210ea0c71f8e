import { expect, test } from 'vitest';
import { findDirect, unknownVerb } from './catalog.ts';
import { recordingIo } from './io.test.fixture.ts';
import { dispatch, FIRST_STEPS } from './main.ts';

test('a bare ctr-ts shows three lines', async () => {
  const io = recordingIo();
  expect(await dispatch([], io)).toBe(0);
  expect(io.stdout()).toBe(FIRST_STEPS);
  expect(io.stdout().trimEnd().split('\n')).toHaveLength(3);
});

test('each line a bare ctr-ts shows is a command line that can be read', () => {
  for (const line of FIRST_STEPS.trimEnd().split('\n')) {
    const [name, ...argv] = line.split(' ');
    expect(name).toBe('ctr-ts');
    if (argv[0] !== '--help') expect(findDirect(argv)).toBeDefined();
  }
});

test.each([
  [['image', 'push', 'alpine'], 'skopeo copy'],
  [['build', '.'], 'oci:DIR'],
  [['logs', 'web'], 'redirect'],
  [['restart', 'web'], 'ctr-ts rm -f'],
])('docker has %j and the answer says what to do instead', async (argv, says) => {
  const io = recordingIo();
  expect(await dispatch(argv, io)).toBe(125);
  expect(io.stderr()).toContain('[NOT_YET]');
  expect(io.stderr()).toContain(says);
  expect(io.stdout()).toBe('');
});

test('an error of a verb that is not there is JSON when asked for', async () => {
  const io = recordingIo();
  expect(await dispatch(['push', 'alpine', '--json'], io)).toBe(125);
  expect(JSON.parse(io.stdout()).error.code).toBe('NOT_YET');
  expect(io.stderr()).toBe('');
});

test.each([
  [['rnu'], 'ctr-ts run'],
  [['inspct', 'x'], 'ctr-ts inspect'],
  [['cgroup', 'crate'], 'ctr-ts cgroup create'],
  [['sytem', 'prune'], 'ctr-ts system'],
  [['qqqqqqqqqq'], 'ctr-ts --help'],
])('%j is unknown and the answer is near', (argv, says) => {
  const error = unknownVerb(argv);
  expect(error.code).toBe('UNKNOWN_COMMAND');
  expect(error.hint).toContain(says);
});

test('words of an object prototype are no verbs', () => {
  expect(findDirect(['constructor'])).toBeUndefined();
  expect(unknownVerb(['toString']).code).toBe('UNKNOWN_COMMAND');
});

test('a bad flag on the direct path is one line, its next step, and exit 125', async () => {
  const io = recordingIo();
  expect(await dispatch(['run', '--nmae', 'x', 'host:'], io)).toBe(125);
  expect(io.stderr()).toBe(
    'ctr-ts: unknown flag --nmae of run [UNKNOWN_FLAG]\n  next: did you mean --name?\n',
  );
});
