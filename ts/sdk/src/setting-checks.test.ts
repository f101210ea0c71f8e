import { expect, test } from 'vitest';
import {
  buildNamespaces,
  checkNamespaces,
  checkUserns,
  type NamespaceOptions,
} from './namespaces.ts';
import type { ContainerOptions } from './options.ts';
import { checkSettings } from './setting-checks.ts';
import { settingsOf } from './settings.ts';

const codeOf = (code: string) => expect.objectContaining({ code });

test('settings that mean something pass', () => {
  expect(() =>
    checkSettings({
      image: 'host:',
      ...{ domainname: 'dom.test', groupAdd: ['audio', '44'], shmSizeBytes: 1, oomScoreAdj: -1000 },
      ...{ stopSignal: 'SIGINT', stopTimeoutMs: -1, systemPaths: 'unconfined' },
      ...{ exposedPorts: ['80', '53/udp', '7000-7010/tcp'], annotations: { a: '' } },
      ...{ sysctls: { 'net.ipv4.conf.eth0/100.forwarding': '1' } },
    }),
  ).not.toThrow();
});

test.each<[Partial<ContainerOptions>, string]>([
  [{ domainname: '' }, 'INVALID_NAME'],
  [{ domainname: 'a b' }, 'INVALID_NAME'],
  [{ domainname: 'x'.repeat(65) }, 'INVALID_NAME'],
  [{ groupAdd: ['a:b'] }, 'INVALID_ARGUMENT'],
  [{ groupAdd: [''] }, 'INVALID_ARGUMENT'],
  [{ shmSizeBytes: 0 }, 'INVALID_LIMIT'],
  [{ oomScoreAdj: 1001 }, 'INVALID_LIMIT'],
  [{ stopSignal: 'SIGNOTHING' }, 'INVALID_ARGUMENT'],
  [{ stopTimeoutMs: -2 }, 'INVALID_LIMIT'],
  [{ exposedPorts: ['0'] }, 'INVALID_ARGUMENT'],
  [{ exposedPorts: ['80:80'] }, 'INVALID_ARGUMENT'],
  [{ exposedPorts: ['90-80'] }, 'INVALID_ARGUMENT'],
  [{ exposedPorts: ['80/icmp'] }, 'INVALID_ARGUMENT'],
  [{ exposedPorts: ['65536'] }, 'INVALID_ARGUMENT'],
  [{ sysctls: { 'net ipv4': '1' } }, 'INVALID_ARGUMENT'],
  [{ annotations: { '': 'x' } }, 'INVALID_ARGUMENT'],
])('%j is refused with %s', (options, code) => {
  expect(() => checkSettings({ image: 'host:', ...options })).toThrow(codeOf(code));
});

test('what is shared is not made', () => {
  const kinds = (options: NamespaceOptions, rootless = false) =>
    buildNamespaces(options, rootless).map(({ type }) => type);
  expect(kinds({ ipc: 'host', uts: 'host', cgroupns: 'host' })).toEqual([
    'pid',
    'mount',
    'network',
  ]);
  expect(kinds({ ipc: 'none' })).toContain('ipc');
  expect(kinds({}, true)).toContain('user');
});

test('namespaces that cannot be are refused', () => {
  const bad = { ipc: 'shareable' } as unknown as NamespaceOptions;
  expect(() => checkNamespaces(bad)).toThrow(codeOf('INVALID_ARGUMENT'));
  const named = { uts: 'host', hostname: 'x' } as const;
  expect(() => checkNamespaces(named)).toThrow(codeOf('INVALID_ARGUMENT'));
  expect(() => checkUserns({ userns: 'host' }, true)).toThrow(codeOf('PERMISSION_DENIED'));
  expect(() => checkUserns({ userns: 'host' }, false)).not.toThrow();
});

test("the caller's stop signal wins over the image's, and SIGTERM stands for none", () => {
  const signal = (own?: string, image?: string) =>
    settingsOf({ image: 'host:', stopSignal: own }, { stopSignal: image }).stopSignal;
  expect([signal(), signal(undefined, 'SIGQUIT'), signal('SIGINT', 'SIGQUIT')]).toEqual([
    ...['SIGTERM', 'SIGQUIT', 'SIGINT'],
  ]);
});
