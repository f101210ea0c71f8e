/** Debian's docker-registry on loopback, plain or behind token authorization, filled by skopeo. */
import { createSign, randomUUID, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { must, type Started, start } from './command.ts';

/** A running registry. */
export interface TestRegistry {
  /** `127.0.0.1:PORT`, to be used in references. */
  host: string;
  /** What it stores, for tests that spoil it. */
  storage: string;
  /** Its certificate, with {@link TestRegistryOptions.tls}. */
  certificate: string;
  /** Copies the image of a layout (`oci:DIR:TAG`) to `NAME:TAG`; returns the reference. */
  push(layout: string, name: string, format?: 'oci' | 'v2s2'): Promise<string>;
  stop(): Promise<void>;
}

/** Whom the token server knows. Anybody may pull what is below `public/`. */
export interface TokenAccount {
  username: string;
  password: string;
}

export interface TestRegistryOptions {
  /** Token authorization with this one account. */
  account?: TokenAccount;
  /** HTTPS, with a certificate that nobody has signed. */
  tls?: boolean;
}

/** Starts a registry; the sentence that says what is missing for it otherwise. */
export async function startRegistry(
  options: TestRegistryOptions = {},
): Promise<TestRegistry | string> {
  for (const program of ['docker-registry', 'skopeo', 'openssl']) {
    if (!existsSync(`/usr/bin/${program}`)) return `${program} is not installed`;
  }
  const directory = mkdtempSync(join(tmpdir(), 'e2e-registry-'));
  const storage = join(directory, 'storage');
  mkdirSync(storage);
  const host = `127.0.0.1:${await freePort()}`;
  const { account, tls = false } = options;
  const { key, certificate } = await makeCertificate(directory);
  const tokens = account && (await startTokenServer({ key, certificate }, account));
  const configuration = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: { addr: host, secret: 'of a test', ...(tls ? { tls: { certificate, key } } : {}) },
    ...(tokens === undefined ? {} : { auth: { token: tokens.configuration } }),
  };
  // Every JSON document is a YAML document.
  const file = join(directory, 'config.yml');
  writeFileSync(file, JSON.stringify(configuration));
  const server = start('docker-registry', ['serve', file], { timeoutMs: 3_600_000 });
  const stop = async () => {
    server.killGroup();
    await server.ended;
    tokens?.close();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await answers(host, server);
  } catch (error) {
    await stop();
    throw error;
  }
  const credentials =
    account === undefined ? [] : ['--dest-creds', `${account.username}:${account.password}`];
  return {
    host,
    storage,
    certificate,
    push: async (layout, name, format = 'oci') => {
      const reference = `${host}/${name}`;
      await must(
        'skopeo',
        [
          ...['--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false', ...credentials],
          ...['--format', format, layout, `docker://${reference}`],
        ],
        { timeoutMs: 120_000 },
      );
      return reference;
    },
    stop,
  };
}

async function answers(host: string, server: Started): Promise<void> {
  const port = Number(host.split(':')[1]);
  const deadline = Date.now() + 20_000;
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    if (Date.now() > deadline || server.child.exitCode !== null) {
      throw new Error(`docker-registry does not answer on ${host}`);
    }
    await sleep(50);
  }
}

async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function makeCertificate(directory: string): Promise<{ key: string; certificate: string }> {
  const key = join(directory, 'key.pem');
  const certificate = join(directory, 'certificate.pem');
  await must('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=ctr-ts test'],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
  ]);
  return { key, certificate };
}

const SERVICE = 'ctr-ts-test';

/**
 * A server for https://distribution.github.io/distribution/spec/auth/token/, with what a registry
 * needs to be told to trust it.
 */
async function startTokenServer(
  { key, certificate }: { key: string; certificate: string },
  account: TokenAccount,
) {
  const signer = { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate) };
  const expected = `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`;
  const server: Server = createServer((request, response) => {
    const { authorization } = request.headers;
    const isKnown = authorization === expected;
    if (authorization !== undefined && !isKnown) {
      response.writeHead(401).end();
      return;
    }
    const url = new URL(request.url ?? '/', 'http://localhost');
    const access = url.searchParams.getAll('scope').flatMap((scope) => {
      const [type, name = '', actions = ''] = scope.split(':');
      const wanted = actions.split(',');
      const granted = isKnown
        ? wanted
        : wanted.filter((action) => action === 'pull' && name.startsWith('public/'));
      return granted.length === 0 ? [] : [{ type, name, actions: granted }];
    });
    const token = sign({ access, sub: isKnown ? account.username : '' }, signer);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, expires_in: 300 }));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    configuration: {
      realm: `http://127.0.0.1:${port}/token`,
      service: SERVICE,
      issuer: SERVICE,
      rootcertbundle: certificate,
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A JSON web token (RFC 7519) with its certificate in the header. */
function sign(claims: object, { key, certificate }: { key: string; certificate: Buffer }): string {
  const now = Math.floor(Date.now() / 1000);
  const header = {
    typ: 'JWT',
    alg: 'RS256',
    x5c: [new X509Certificate(certificate).raw.toString('base64')],
  };
  const body = {
    ...{ iss: SERVICE, aud: SERVICE, jti: randomUUID() },
    ...{ iat: now, nbf: now - 10, exp: now + 300 },
    ...claims,
  };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode(header)}.${encode(body)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(key, 'base64url')}`;
}
