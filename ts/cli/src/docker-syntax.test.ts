import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';
import { afterAll, expect, test } from 'vitest';
import {
  parseEnv,
  parseLabels,
  parseNamespaces,
  parseNetwork,
  parseSecurityOptions,
} from './docker-syntax.ts';
import { formatDuration, parseDurationMs } from './duration.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-cli-'));
afterAll(() => rmSync(directory, { recursive: true }));

test('a variable is given, taken from the caller, or left out', () => {
  const env = parseEnv(['A=1', 'B=x=y', 'C', 'D', 'E='], { C: 'here' });
  expect(env).toEqual({ A: '1', B: 'x=y', C: 'here', E: '' });
  const odd = parseEnv(['__proto__=x', 'constructor', 'toString=y'], process.env);
  expect(Object.entries(odd)).toEqual([
    ['__proto__', 'x'],
    ['toString', 'y'],
  ]);
  expect(codeOf(() => parseEnv(['=1'], {}))).toBe('INVALID_ARGUMENT');
  expect(codeOf(() => parseEnv([''], {}))).toBe('INVALID_ARGUMENT');
});

test('labels have a name and perhaps a value', () => {
  expect(parseLabels(['a=1', 'b'])).toEqual({ a: '1', b: '' });
  expect(codeOf(() => parseLabels(['=x']))).toBe('INVALID_ARGUMENT');
});

test('security options say what the filter is', () => {
  const file = join(directory, 'profile.json');
  writeFileSync(file, '{"defaultAction":"SCMP_ACT_ALLOW"}');
  expect(parseSecurityOptions([])).toEqual({});
  expect(parseSecurityOptions(['seccomp=unconfined'])).toEqual({ seccomp: 'unconfined' });
  expect(parseSecurityOptions(['no-new-privileges'])).toEqual({ noNewPrivileges: true });
  expect(parseSecurityOptions(['no-new-privileges:false'])).toEqual({ noNewPrivileges: false });
  expect(parseSecurityOptions([`seccomp=${file}`])).toEqual({
    seccomp: { profile: { defaultAction: 'SCMP_ACT_ALLOW' } },
  });
});

test.each([
  ['seccomp=/nowhere/profile.json', 'FILE_NOT_FOUND'],
  ['apparmor=docker-default', 'NOT_YET'],
  ['constructor=x', 'INVALID_ARGUMENT'],
  ['label=type:spc_t', 'NOT_YET'],
  ['writable-cgroups=true', 'NOT_YET'],
  ['systempaths=hidden', 'INVALID_ARGUMENT'],
  ['no-new-privileges=perhaps', 'INVALID_ARGUMENT'],
  ['nonsense', 'INVALID_ARGUMENT'],
])('security option %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseSecurityOptions([text]))).toBe(code);
});

test('what is so anyway is accepted, and hidden paths can be shown', () => {
  expect(parseSecurityOptions(['label=disable', 'apparmor=unconfined'])).toEqual({});
  expect(parseSecurityOptions(['systempaths=unconfined'])).toEqual({ systemPaths: 'unconfined' });
});

test('a profile that is not JSON is refused', () => {
  const file = join(directory, 'broken.json');
  writeFileSync(file, '{');
  expect(codeOf(() => parseSecurityOptions([`seccomp=${file}`]))).toBe('INVALID_PROFILE');
});

test('a file of variables gives way to the line, and takes names from the caller', () => {
  const file = join(directory, 'env');
  writeFileSync(file, '\ufeff# comment\n\nA=1\n  B= two  words \r\nC\nD\nE="x"\n#F=1');
  const env = parseEnv(['A=line'], { C: 'here' }, [file]);
  expect(env).toEqual({ A: 'line', B: ' two  words ', C: 'here', E: '"x"' });
});

test.each([
  ['A B=1\n', 'INVALID_ARGUMENT'],
  ['=1\n', 'INVALID_ARGUMENT'],
  [Buffer.from([0xff, 0xfe, 0x41]), 'INVALID_ARGUMENT'],
])('a file of variables with %j is refused with %s', (content, code) => {
  const file = join(directory, 'broken-env');
  writeFileSync(file, content);
  expect(codeOf(() => parseEnv([], {}, [file]))).toBe(code);
});

test('a file that is missing is refused', () => {
  expect(codeOf(() => parseEnv([], {}, ['/nowhere/env']))).toBe('FILE_NOT_FOUND');
});

test('a file of labels gives way to the line', () => {
  const file = join(directory, 'labels');
  writeFileSync(file, 'a=file\nb\n');
  expect(parseLabels(['a=line'], [file])).toEqual({ a: 'line', b: '' });
});

test('namespaces are private, some can be those of the host', () => {
  expect(parseNamespaces({})).toEqual({});
  expect(parseNamespaces({ ipc: '', pid: 'private' })).toEqual({});
  const shared = { ipc: 'host', uts: 'host', cgroupns: 'host', userns: 'host' } as const;
  expect(parseNamespaces(shared)).toEqual(shared);
  expect(parseNamespaces({ ipc: 'none' })).toEqual({ ipc: 'none' });
});

test.each([
  { pid: 'host' },
  { pid: 'container:x' },
  { ipc: 'shareable' },
  { ipc: 'container:x' },
  { userns: 'keep-id' },
  { userns: 'auto' },
])('namespace %j is not there yet, and says what to do', (flags) => {
  expect(codeOf(() => parseNamespaces(flags))).toBe('NOT_YET');
});

test('networks are none and host so far', () => {
  expect(parseNetwork('none')).toBe('none');
  expect(parseNetwork('host')).toBe('host');
  expect(codeOf(() => parseNetwork('bridge'))).toBe('NOT_YET');
});

test.each([
  ['30', 30_000],
  ['30s', 30_000],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['500ms', 500],
])('%s is %i milliseconds', (text, durationMs) => {
  expect(parseDurationMs(text, '--timeout')).toBe(durationMs);
});

test.each(['', '0', '-1', '5d', 'soon', '1e3', '9999h'])('%j is no time', (text) => {
  expect(codeOf(() => parseDurationMs(text, '--timeout'))).toBe('INVALID_LIMIT');
});

test('times are shown in seconds', () => {
  expect([250, 1000, 1500, 90_000].map(formatDuration)).toEqual(['250ms', '1s', '1.5s', '90s']);
});

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof CtrError) return error.code;
    throw error;
  }
  return 'no error';
}
