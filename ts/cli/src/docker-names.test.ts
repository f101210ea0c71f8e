import { CtrError } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { parseDevice, parseDeviceRule } from './docker-devices.ts';
import { parseHost, parseSysctls, parseUlimits, parseWhole } from './docker-names.ts';

test.each([
  ['db:10.0.0.2', { host: 'db', ip: '10.0.0.2' }],
  ['db=10.0.0.2', { host: 'db', ip: '10.0.0.2' }],
  ['six:::1', { host: 'six', ip: '::1' }],
  ['six:[::1]', { host: 'six', ip: '::1' }],
  ['six=2001:db8::1', { host: 'six', ip: '2001:db8::1' }],
])('host %s', (text, entry) => {
  expect(parseHost(text)).toEqual(entry);
});

test.each([
  ['db', 'INVALID_ARGUMENT'],
  [':1.2.3.4', 'INVALID_ARGUMENT'],
  ['db:', 'INVALID_ARGUMENT'],
  ['db:host-gateway', 'NOT_YET'],
])('host %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseHost(text))).toBe(code);
});

test('ulimits have a soft and perhaps a hard limit, and the last of a name counts', () => {
  expect(parseUlimits(['nofile=10', 'core=0:-1', 'nofile=5:20'])).toEqual({
    nofile: { soft: 5, hard: 20 },
    core: { soft: 0, hard: -1 },
  });
  for (const bad of ['nofile', 'nofile=', 'nofile=many', 'nofile=1:2:3', '=1', 'NOFILE=1']) {
    expect(
      codeOf(() => parseUlimits([bad])),
      bad,
    ).toBe('INVALID_LIMIT');
  }
});

test('kernel parameters have a value', () => {
  expect(parseSysctls(['net.ipv4.ip_forward=1', 'kernel.sem=1 2=3'])).toEqual({
    'net.ipv4.ip_forward': '1',
    'kernel.sem': '1 2=3',
  });
  expect(codeOf(() => parseSysctls(['net.ipv4.ip_forward']))).toBe('INVALID_ARGUMENT');
});

test.each([
  ['/dev/fuse', { source: '/dev/fuse' }],
  ['/dev/fuse:rw', { source: '/dev/fuse', access: 'rw' }],
  ['/dev/fuse:/dev/other', { source: '/dev/fuse', target: '/dev/other' }],
  ['/dev/fuse:/dev/other:r', { source: '/dev/fuse', target: '/dev/other', access: 'r' }],
])('device %s', (text, device) => {
  expect(parseDevice(text)).toEqual(device);
});

test.each([
  ['', 'INVALID_DEVICE'],
  ['/dev/fuse:', 'INVALID_DEVICE'],
  ['/dev/a:/dev/b:r:w', 'INVALID_DEVICE'],
  ['vendor.com/gpu=all', 'NOT_YET'],
])('device %s is refused with %s', (text, code) => {
  expect(codeOf(() => parseDevice(text))).toBe(code);
});

test('device rules have a type, numbers and an access', () => {
  expect(parseDeviceRule('c 10:229 rwm')).toEqual({
    type: 'c',
    major: 10,
    minor: 229,
    access: 'rwm',
  });
  expect(parseDeviceRule('a *:* r')).toEqual({ type: 'a', major: null, minor: null, access: 'r' });
  for (const bad of ['c 10 rwm', 'x 1:2 r', 'c 1:2', 'c 1:2 rwmx', 'c  1:2 r']) {
    expect(
      codeOf(() => parseDeviceRule(bad)),
      bad,
    ).toBe('INVALID_DEVICE');
  }
});

test('numbers are whole', () => {
  expect(parseWhole('-1', '--n')).toBe(-1);
  for (const bad of ['', '1.5', '1e3', 'one']) {
    expect(
      codeOf(() => parseWhole(bad, '--n')),
      bad,
    ).toBe('INVALID_VALUE');
  }
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
