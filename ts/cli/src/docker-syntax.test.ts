import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';
import { afterAll, expect, test } from 'vitest';
import {
  parseEnv,
  parseLabels,
  parseNetwork,
  parseSecurityOptions,
  parseTmpfs,
  parseVolume,
} from './docker-syntax.ts';
import { formatDuration, parseDurationMs } from './duration.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-cli-'));
afterAll(() => rmSync(directory, { recursive: true }));

test.each([
  ['/a:/b', { source: '/a', target: '/b', readOnly: false }],
  ['/a:/b:ro', { source: '/a', target: '/b', readOnly: true }],
  ['/a:/b:rw', { source: '/a', target: '/b', readOnly: false }],
  ['./a:/b', { source: resolve('a'), target: '/b', readOnly: false }],
])('volume %s', (text, volume) => {
  expect(parseVolume(text)).toEqual(volume);
});

test.each([
  ['/a:/b:ro:x', 'INVALID_MOUNT'],
  [':/b', 'INVALID_MOUNT'],
  ['/a:', 'INVALID_MOUNT'],
  ['/a:/b:z', 'INVALID_MOUNT'],
  ['/a', 'NOT_YET'],
  ['data:/b', 'NOT_YET'],
])('volume %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseVolume(text))).toBe(code);
});

test('a tmpfs has a target and a size', () => {
  expect(parseTmpfs('/run')).toEqual({ target: '/run' });
  expect(parseTmpfs('/run:rw,nosuid,size=64m')).toEqual({
    target: '/run',
    sizeBytes: 64 * 1024 ** 2,
  });
  expect(codeOf(() => parseTmpfs('/run:mode=1777'))).toBe('NOT_YET');
  expect(codeOf(() => parseTmpfs('/run:size=big'))).toBe('INVALID_LIMIT');
});

test('a variable is given, taken from the caller, or left out', () => {
  const env = parseEnv(['A=1', 'B=x=y', 'C', 'D', 'E='], { C: 'here' });
  expect(env).toEqual({ A: '1', B: 'x=y', C: 'here', E: '' });
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
  ['apparmor=unconfined', 'NOT_YET'],
  ['no-new-privileges=perhaps', 'INVALID_ARGUMENT'],
  ['nonsense', 'INVALID_ARGUMENT'],
])('security option %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseSecurityOptions([text]))).toBe(code);
});

test('a profile that is not JSON is refused', () => {
  const file = join(directory, 'broken.json');
  writeFileSync(file, '{');
  expect(codeOf(() => parseSecurityOptions([`seccomp=${file}`]))).toBe('INVALID_PROFILE');
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
