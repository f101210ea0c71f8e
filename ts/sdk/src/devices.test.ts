import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkDevices, type DeviceOptions, deviceSpec, findDevices } from './devices.ts';

const directory = mkdtempSync(join(tmpdir(), 'sdk-devices-'));
afterAll(() => rmSync(directory, { recursive: true }));

const ROOT = { rootless: false, singleId: false };
const USER = { rootless: true, singleId: false };
const codeOf = (code: string) => expect.objectContaining({ code });

test('a node is found with its numbers', async () => {
  const found = await findDevices({ devices: [{ source: '/dev/null', target: '/dev/x' }] }, ROOT);
  expect(found).toMatchObject([
    { source: '/dev/null', target: '/dev/x', type: 'c', major: 1, minor: 3, access: 'rwm' },
  ]);
});

test('root has a node made and a rule for it, others have the node bound', async () => {
  const nodes = await findDevices({ devices: [{ source: '/dev/zero', access: 'r' }] }, ROOT);
  const rule = { type: 'b' as const, major: 8, minor: null, access: 'm' };
  expect(deviceSpec(nodes, [rule], false)).toMatchObject({
    devices: [{ path: '/dev/zero', type: 'c', major: 1, minor: 5 }],
    mounts: [],
    rules: [
      { allow: true, type: 'c', major: 1, minor: 5, access: 'r' },
      { allow: true, type: 'b', major: 8, access: 'm' },
    ],
  });
  expect(deviceSpec(nodes, [], true)).toMatchObject({
    devices: [],
    mounts: [
      { destination: '/dev/zero', source: '/dev/zero', options: ['bind', 'nosuid', 'noexec'] },
    ],
    rules: [],
  });
});

test('what is missing, no device, or an empty directory is refused', async () => {
  const find = (source: string) => findDevices({ devices: [{ source }] }, ROOT);
  writeFileSync(join(directory, 'file'), '');
  await expect(find('/dev/no-such-device')).rejects.toThrow(codeOf('FILE_NOT_FOUND'));
  await expect(find(join(directory, 'file'))).rejects.toThrow(codeOf('INVALID_DEVICE'));
  await expect(find(directory)).rejects.toThrow(codeOf('INVALID_DEVICE'));
});

test('an ordinary user has whole devices only, and no rules', async () => {
  const denied = codeOf('PERMISSION_DENIED');
  const part = { devices: [{ source: '/dev/null', access: 'r' }] };
  await expect(findDevices(part, USER)).rejects.toThrow(denied);
  const rules = { deviceRules: [{ type: 'a', major: null, minor: null, access: 'rwm' }] as const };
  await expect(findDevices({ deviceRules: [...rules.deviceRules] }, USER)).rejects.toThrow(denied);
});

test.each<DeviceOptions>([
  { devices: [{ source: 'dev/null' }] },
  { devices: [{ source: '/dev/null', target: '/null' }] },
  { devices: [{ source: '/dev/null', target: '/dev/../null' }] },
  { devices: [{ source: '/dev/null', target: '/dev' }] },
  { devices: [{ source: '/dev/null', access: '' }] },
  { devices: [{ source: '/dev/null', access: 'rr' }] },
  { devices: [{ source: '/dev/null', access: 'x' }] },
  { deviceRules: [{ type: 'c', major: -1, minor: 0, access: 'r' }] },
  { deviceRules: [{ type: 'c', major: 1, minor: 0.5, access: 'r' }] },
])('%j is refused', (options) => {
  expect(() => checkDevices(options)).toThrow(codeOf('INVALID_DEVICE'));
});
