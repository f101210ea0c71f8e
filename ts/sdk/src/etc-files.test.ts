import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkNames, type EtcFile, etcFiles, type NameOptions } from './etc-files.ts';

function files(names: NameOptions = {}, changes: Partial<Parameters<typeof etcFiles>[0]> = {}) {
  const list = etcFiles({
    names,
    hostname: 'box',
    domainname: undefined,
    hostNetwork: false,
    readonly: false,
    taken: [],
    ...changes,
  });
  return Object.fromEntries(list.map((file: EtcFile) => [file.destination, file.text]));
}

test('without a network a container knows localhost and itself, and nobody to ask', () => {
  const text = files();
  expect(text['/etc/hosts']).toMatch(/^127\.0\.0\.1\tlocalhost\n::1\tlocalhost /);
  expect(text['/etc/hosts']).toMatch(/\n127\.0\.1\.1\tbox\n$/);
  expect(text['/etc/hostname']).toBe('box\n');
  expect(text['/etc/resolv.conf']).toBe('');
});

test('a domain is part of the own name', () => {
  expect(files({}, { domainname: 'test' })['/etc/hosts']).toMatch(
    /\n127\.0\.1\.1\tbox\.test box\n$/,
  );
});

test('a name that was added is not given another address', () => {
  const hosts = files({ addHosts: [{ host: 'box', ip: '10.0.0.2' }] })['/etc/hosts'];
  expect(hosts).toMatch(/\n10\.0\.0\.2\tbox\n$/);
});

test("the host's network brings the host's files", () => {
  const own = readFileSync('/etc/resolv.conf', 'utf8');
  expect(files({}, { hostNetwork: true })['/etc/resolv.conf']).toBe(own);
});

test('the lines of resolv.conf are those that were asked for', () => {
  const names = {
    dns: ['192.0.2.1', '::1'],
    dnsSearch: ['a.test', 'b.test'],
    dnsOptions: ['rotate'],
  };
  expect(files(names)['/etc/resolv.conf']).toBe(
    'search a.test b.test\nnameserver 192.0.2.1\nnameserver ::1\noptions rotate\n',
  );
  expect(files({ dns: [], dnsSearch: ['.'] })['/etc/resolv.conf']).toBe('');
});

test.each([['/etc/hosts'], ['/etc/hosts/'], ['/etc//hosts'], ['/etc/./hosts']])(
  'what the caller mounts at %s stays in sight',
  (path) => {
    expect(Object.keys(files({}, { taken: [path] }))).toEqual([
      '/etc/hostname',
      '/etc/resolv.conf',
    ]);
  },
);

test.each<NameOptions>([
  { addHosts: [{ host: '', ip: '1.2.3.4' }] },
  { addHosts: [{ host: 'a b', ip: '1.2.3.4' }] },
  { addHosts: [{ host: 'a\n9.9.9.9 b', ip: '1.2.3.4' }] },
  { addHosts: [{ host: 'a', ip: 'b' }] },
  { addHosts: [{ host: 'a', ip: '1.2.3.4\n' }] },
  { dns: ['resolver'] },
  { dnsSearch: ['a b'] },
  { dnsOptions: ['rotate\nnameserver 9.9.9.9'] },
])('%j is refused', (names) => {
  expect(() => checkNames(names)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
});
