import { createServer as createHttp, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { isLoopback } from './loopback.ts';
import { DEFAULT_LIMITS, discard, exchange } from './network.ts';
import { originOf } from './origin.ts';

const limits = { ...DEFAULT_LIMITS, responseTimeoutMs: 300 };

async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A server that does this with each connection. */
function onConnection(act: (socket: Socket) => void): Promise<number> {
  return listening(
    createTcp((socket) => {
      socket.on('error', () => {});
      onTestFinished(() => void socket.destroy());
      act(socket);
    }),
  );
}

test.each([
  ['localhost:5000', true],
  ['127.0.0.1', true],
  ['127.3.2.1:1', true],
  ['[::1]:5000', true],
  ['registry.localhost', false],
  ['localhost.example', false],
  ['localhost.', false],
  ['128.0.0.1', false],
  ['127.0.0.1.example', false],
  ['[::2]', false],
])('%s is this machine: %s', (host, is) => {
  expect(isLoopback(new URL(`https://${host}/`))).toBe(is);
});

test.each([
  ['docker.io', 'https://registry-1.docker.io/'],
  ['host.tld:5000', 'https://host.tld:5000/'],
  // A name server may say where that is: nothing is tried there but HTTPS.
  ['a.localhost:5000', 'https://a.localhost:5000/'],
])('%s is at %s, without a look', async (registry, url) => {
  expect(String(await originOf(registry, { limits }))).toBe(url);
});

test('a registry on loopback that answers in plain HTTP is spoken to in HTTP', async () => {
  const port = await listening(createHttp((_, response) => void response.end()));
  for (const host of ['127.0.0.1', 'localhost']) {
    expect(String(await originOf(`${host}:${port}`, { limits }))).toBe(`http://${host}:${port}/`);
  }
});

test.each<[string, (socket: Socket) => void]>([
  ['resets the connection', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
  ['hangs up', (socket) => void socket.once('data', () => socket.end())],
  ['says nothing', (socket) => void socket.resume()],
  // An alert of TLS: handshake_failure.
  [
    'speaks TLS, but not with us',
    (socket) => void socket.once('data', () => socket.end(Buffer.from('15030300020228', 'hex'))),
  ],
])('one that %s is not spoken to in HTTP', async (_, act) => {
  const seen: string[] = [];
  const port = await onConnection((socket) => {
    socket.on('data', (data) => seen.push(data.toString('latin1')));
    act(socket);
  });
  await expect(originOf(`127.0.0.1:${port}`, { limits })).rejects.toThrow(/reach 127.0.0.1/);
  expect(seen.filter((text) => /^(GET|HEAD)/.test(text))).toEqual([]);
});

test('one that nobody answers for is unreachable', async () => {
  const server = createTcp();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  await expect(originOf(`127.0.0.1:${port}`, { limits })).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: `reach 127.0.0.1:${port}: the connection was refused`,
  });
});

test.each(['127.0.0.1', '::1'])('localhost is %s, and nobody is asked', async (address) => {
  const seen: { to: string | undefined; headers: IncomingMessage['headers'] }[] = [];
  const server = createHttp(({ headers, socket }, response) => {
    seen.push({ to: socket.localAddress, headers });
    response.end();
  });
  const port = await listening(server, address);
  const url = new URL(`http://localhost:${port}/v2/`);
  const response = await exchange(url, { headers: { authorization: 'Basic x' }, limits });
  await discard(response);
  expect(response.url).toBe(url.href);
  const host = `${address === '::1' ? '[::1]' : address}:${port}`;
  expect(seen).toMatchObject([{ to: address, headers: { host, authorization: 'Basic x' } }]);
});
