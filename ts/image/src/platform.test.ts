import { expect, test } from 'vitest';
import { choosePlatform, formatPlatform, hostPlatform, parsePlatform, runsOn } from './platform.ts';

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['amd64', 'linux/amd64'],
  ['x86_64', 'linux/amd64'],
  ['Linux/AMD64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm/v7', 'linux/arm/v7'],
  ['armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['386', 'linux/386'],
  ['linux/riscv64', 'linux/riscv64'],
  ['linux', formatPlatform(hostPlatform())],
  // Words that every object of JavaScript knows.
  ['constructor', 'linux/constructor'],
  ['linux/valueof', 'linux/valueof'],
])('%s is %s', (text, platform) => {
  expect(formatPlatform(parsePlatform(text))).toBe(platform);
});

test.each(['', '/', 'linux/', 'windows/amd64', 'linux/amd64/v1/x', 'linux /amd64', '../x', 'a b'])(
  '%j is no platform',
  (text) => {
    expect(() => parsePlatform(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', hint: expect.any(String) }),
    );
  },
);

test.each([
  ['arm/v7', ['arm/v5', 'arm/v6', 'arm/v7', 'arm64/v8'], 'arm/v7'],
  ['arm/v7', ['arm/v5', 'arm/v6', 'arm64'], 'arm/v6'],
  ['arm/v6', ['arm/v7', 'arm'], undefined],
  ['arm/v7', ['arm/v8', 'arm'], 'arm'],
  ['arm64', ['arm/v7', 'arm64/v8'], 'arm64/v8'],
  ['arm64', ['arm64/v9', 'arm64'], 'arm64'],
  ['amd64', ['amd64/v2', 'amd64', '386'], 'amd64'],
  ['amd64/v3', ['amd64', 'amd64/v2', 'amd64/v4'], 'amd64/v2'],
  ['amd64', ['amd64/odd', 'amd64/v1'], 'amd64/v1'],
  ['s390x', ['ppc64le', 's390x'], 's390x'],
  ['s390x', [], undefined],
])('of images for others, %s runs the nearest', (wanted, names, chosen) => {
  const platformOf = (name: string) => {
    const [architecture = '', variant] = name.split('/');
    return { os: 'linux', architecture, ...(variant === undefined ? {} : { variant }) };
  };
  const candidates = names.map((name) => ({ name, platform: platformOf(name) }));
  expect(choosePlatform(candidates, platformOf(wanted))?.name).toBe(chosen);
});

test('another system never runs', () => {
  const { architecture } = hostPlatform();
  expect(runsOn({ os: 'windows', architecture }, hostPlatform())).toBe(false);
  expect(runsOn(hostPlatform(), hostPlatform())).toBe(true);
});
