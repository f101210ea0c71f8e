import { expect, test } from 'vitest';
import { familiarName, formatReference, parseRegistryReference } from './registry-reference.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;

test.each([
  ['alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['alpine:3.20', 'docker.io/library/alpine:3.20', 'alpine:3.20'],
  ['library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['index.docker.io/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['docker.io/library/alpine', 'docker.io/library/alpine:latest', 'alpine:latest'],
  ['user/app:v1', 'docker.io/user/app:v1', 'user/app:v1'],
  ['library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
  [`alpine@${digest}`, `docker.io/library/alpine@${digest}`, `alpine@${digest}`],
  [`alpine:3@${digest}`, `docker.io/library/alpine:3@${digest}`, `alpine:3@${digest}`],
  ['host.tld/x', 'host.tld/x:latest', 'host.tld/x:latest'],
  ['HOST.tld/x', 'HOST.tld/x:latest', 'HOST.tld/x:latest'],
  ['HOST/x', 'HOST/x:latest', 'HOST/x:latest'],
  ['localhost/x', 'localhost/x:latest', 'localhost/x:latest'],
  ['localhost:5000/x', 'localhost:5000/x:latest', 'localhost:5000/x:latest'],
  ['localhost:5000/a/b/c:t', 'localhost:5000/a/b/c:t', 'localhost:5000/a/b/c:t'],
  ['host:80/x', 'host:80/x:latest', 'host:80/x:latest'],
  ['127.0.0.1:5000/x', '127.0.0.1:5000/x:latest', '127.0.0.1:5000/x:latest'],
  ['[::1]/x', '[::1]/x:latest', '[::1]/x:latest'],
  ['[2001:db8::1]:5000/x:t', '[2001:db8::1]:5000/x:t', '[2001:db8::1]:5000/x:t'],
  ['a__b/c-----d.e_f', 'docker.io/a__b/c-----d.e_f:latest', 'a__b/c-----d.e_f:latest'],
  ['x:_.-Az09', 'docker.io/library/x:_.-Az09', 'x:_.-Az09'],
  ['host.tld', 'docker.io/library/host.tld:latest', 'host.tld:latest'],
  [`x:${'t'.repeat(128)}`, `docker.io/library/x:${'t'.repeat(128)}`, `x:${'t'.repeat(128)}`],
])('%s is %s', (text, canonical, familiar) => {
  const reference = parseRegistryReference(text);
  expect(formatReference(reference)).toBe(canonical);
  expect(familiarName(reference)).toBe(familiar);
  expect(parseRegistryReference(canonical)).toEqual(reference);
  expect(parseRegistryReference(familiar)).toEqual(reference);
});

test.each([
  ['Alpine', 'lower case', 'alpine'],
  ['ALPINE', 'lower case', 'alpine'],
  ['host.tld/Team/app', 'lower case', 'host.tld/team/app'],
  ['library/Alpine', 'lower case', 'library/alpine'],
  ['a'.repeat(64), '64 hexadecimal digits', `REPOSITORY@sha256:${'a'.repeat(64)}`],
  ['x:', '"" is no tag', '128'],
  ['x:-a', '"-a" is no tag', '128'],
  ['x:.a', '".a" is no tag', '128'],
  [`x:${'t'.repeat(129)}`, 'is no tag', '128'],
  ['x:a:b', '"a:b" is no tag', '128'],
  ['localhost:port/x', '"port" is no port', '65535'],
  ['localhost:0/x', '"0" is no port', '65535'],
  ['localhost:65536/x', '"65536" is no port', '65535'],
  ['localhost:/x', '"" is no port', '65535'],
  ['x@', '"" is no digest', 'sha256:'],
  ['x@sha256:abc', 'is no digest', 'sha256:'],
  [`x@${digest.toUpperCase()}`, 'is no digest', 'lower case'],
  [`x@sha512:${'a'.repeat(128)}`, 'is no digest', 'sha256:'],
  [`x@${digest}@${digest}`, 'is no digest', 'sha256:'],
  ['', 'path is empty', 'REPOSITORY'],
  ['/x', 'before the first slash', 'REPOSITORY'],
  ['x//y', 'path is empty', 'REPOSITORY'],
  ['x/', 'path is empty', 'REPOSITORY'],
  ['host.tld/', 'path is empty', 'REPOSITORY'],
  ['-x', '"-x"', 'REPOSITORY'],
  ['x-', '"x-"', 'REPOSITORY'],
  ['a..b', '"a..b"', 'REPOSITORY'],
  ['a___b', '"a___b"', 'REPOSITORY'],
  ['a b', '"a b"', 'REPOSITORY'],
  ['ä', '"ä"', 'REPOSITORY'],
  ['-host.tld/x', '"-host.tld" is no host', 'REPOSITORY'],
  ['host..tld/x', '"host..tld" is no host', 'REPOSITORY'],
  ['user@host.tld/x', 'is no digest', 'sha256:'],
  ['[::1/x', '"[', 'REPOSITORY'],
  ['[x]/x', '"[x]" is no host', 'REPOSITORY'],
  ['[::1]', '"[', 'REPOSITORY'],
  ['../x', '".." is no host', 'REPOSITORY'],
  ['host.tld/../../x', '".."', 'REPOSITORY'],
  ['host.tld/x?y', '"x?y"', 'REPOSITORY'],
  ['host.tld/%2e', '"%2e"', 'REPOSITORY'],
  [`host.tld/${'a'.repeat(256)}`, 'too long', 'REPOSITORY'],
])('%s is refused: %s, and the hint has %s', (text, says, hint) => {
  expect(() => parseRegistryReference(text)).toThrow(
    expect.objectContaining({
      code: 'INVALID_REFERENCE',
      message: expect.stringContaining(says),
      hint: expect.stringContaining(hint),
    }),
  );
});

test('a long name is refused in no time, and not repeated in full', () => {
  const started = performance.now();
  for (const text of [`${'a-'.repeat(50_000)}!`, `a${'/a'.repeat(50_000)}!`, 'a.'.repeat(50_000)]) {
    expect(() => parseRegistryReference(text)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,800}$/) }),
    );
  }
  expect(performance.now() - started).toBeLessThan(2000);
});
