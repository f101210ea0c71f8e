import { createServer, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { makeScene } from '../pull/pull.test.fixture.ts';
import { parseRegistryReference } from '../registry-reference.ts';
import { parseChallenges } from './challenge.ts';
import { listen, refuse } from './server.test.fixture.ts';

test.each([
  ['Basic realm="x"', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
  ['BASIC Realm=x', [{ scheme: 'basic', parameters: { realm: 'x' } }]],
  ['Negotiate', [{ scheme: 'negotiate', parameters: {} }]],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:a/b:pull,push',
        },
      },
    ],
  ],
  [
    'Bearer realm = "a\\"b" , service=x, Basic realm="y"',
    [
      { scheme: 'bearer', parameters: { realm: 'a"b', service: 'x' } },
      { scheme: 'basic', parameters: { realm: 'y' } },
    ],
  ],
  [
    'Negotiate, Basic realm="y",',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'y' } },
    ],
  ],
  ['', []],
])('%s is a challenge', (header, challenges) => {
  expect(parseChallenges(header)).toEqual(challenges);
});

test.each([
  'Bearer realm="x',
  'Bearer realm=',
  'Bearer realm="x" service="y"',
  'Bearer realm="x",realm="y"',
  'Bearer realm="x";service="y"',
  '=',
  '"Bearer"',
  'Bearer realm="x" ,, =',
  `Bearer realm="${'x'.repeat(9000)}"`,
])('%s is no challenge', (header) => {
  expect(parseChallenges(header)).toBeUndefined();
});

test('a challenge is parsed in no time, whatever it is', () => {
  const started = performance.now();
  for (const piece of ['a=', ',', '\\', 'a ', 'a="', 'a=b,', ' \t']) {
    parseChallenges(piece.repeat(8192 / piece.length));
  }
  expect(performance.now() - started).toBeLessThan(2000);
});

interface TokenRequest {
  url: URL;
  authorization: string | undefined;
}

/** A registry whose every request needs the newest token, and the server that gives them. */
async function behindTokens(
  answer: (request: TokenRequest, count: number) => { status?: number; body?: string } = () => ({}),
) {
  const scene = await makeScene();
  scene.registry.image(['one', 'two', 'three'], { tag: '1' });
  const asked: TokenRequest[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const token: TokenRequest = { url, authorization: request.headers.authorization };
    asked.push(token);
    const { status = 200, body = JSON.stringify({ token: `t${asked.length}` }) } = answer(
      token,
      asked.length,
    );
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  const { port } = await listen(server);
  const realm = `http://127.0.0.1:${port}/token?x=1`;
  const challenge = `Bearer realm="${realm}",service="the service",scope="repository:test/image:pull"`;
  const state = { challenge, expired: 0 };
  scene.registry.intercept = (request, response) => {
    const { authorization } = request.headers;
    const number = Number(/^Bearer t(\d+)$/.exec(authorization ?? '')?.[1] ?? 0);
    if (number > state.expired) return false;
    refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': state.challenge });
    return true;
  };
  return { ...scene, asked, state };
}

test('a token is fetched once for a whole pull, without credentials if there are none', async () => {
  const { pull, asked } = await behindTokens();
  await pull();
  expect(asked).toHaveLength(1);
  expect(asked[0]?.authorization).toBeUndefined();
  expect(Object.fromEntries(asked[0]?.url.searchParams ?? [])).toEqual({
    x: '1',
    service: 'the service',
    scope: 'repository:test/image:pull',
  });
});

test('a token is fetched with the credentials of this registry', async () => {
  const { pull, asked, registry } = await behindTokens();
  const wanted: string[] = [];
  await pull({
    credentials: async (name) => {
      wanted.push(name);
      return { username: 'ann', password: 'se:cret' };
    },
  });
  expect(new Set(wanted)).toEqual(new Set([registry.host]));
  const encoded = Buffer.from('ann:se:cret').toString('base64');
  expect(asked[0]?.authorization).toBe(`Basic ${encoded}`);
  expect(asked[0]?.url.searchParams.get('account')).toBe('ann');
});

test('a registry that names no scope is asked for the right to pull', async () => {
  const { pull, asked, state } = await behindTokens();
  state.challenge = state.challenge.replace(/,scope.*/, '');
  await pull();
  expect(asked[0]?.url.searchParams.get('scope')).toBe('repository:test/image:pull');
});

test('a token that has expired is fetched anew, once for all that notice', async () => {
  const { pull, asked, state, registry } = await behindTokens();
  const plain = registry.intercept;
  let blobs = 0;
  registry.intercept = (request, response) => {
    if (request.url?.includes('/blobs/')) {
      blobs += 1;
      // The config and the first layers went through; then the token ends.
      if (blobs === 2) state.expired = 1;
    }
    return plain(request, response);
  };
  await pull();
  expect(asked).toHaveLength(2);
});

test('a token that is never enough is not asked for again and again', async () => {
  const { pull, asked, state } = await behindTokens();
  state.expired = 1000;
  await expect(pull()).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  expect(asked.length).toBeLessThanOrEqual(2);
});

test.each([
  ['refuses', { status: 401 }, 'REGISTRY_UNAUTHORIZED'],
  ['answers with garbage', { body: '<html>' }, 'REGISTRY_ERROR'],
  ['answers with no token', { body: '{"expires_in":3}' }, 'REGISTRY_ERROR'],
  ['answers with a token of two lines', { body: '{"token":"a\\r\\nx: y"}' }, 'REGISTRY_ERROR'],
  ['answers with a token that is no text', { body: '{"token":{}}' }, 'REGISTRY_ERROR'],
  ['is broken for ever', { status: 503 }, 'REGISTRY_ERROR'],
  ['is not there', { status: 404 }, 'REGISTRY_ERROR'],
])('a token server that %s is told of', async (_, answer, code) => {
  const { pull } = await behindTokens(() => answer);
  await expect(pull()).rejects.toMatchObject({ code });
});

test('a token server that is broken for a while is asked again', async () => {
  const { pull, asked } = await behindTokens((_, count) => (count < 3 ? { status: 502 } : {}));
  await pull();
  expect(asked).toHaveLength(3);
});

test('an access token of OAuth 2 is a token', async () => {
  const { pull } = await behindTokens(() => ({ body: '{"access_token":"t7","token_type":"x"}' }));
  await pull();
});

test.each([
  'http://registry.example/token',
  'ftp://127.0.0.1/token',
  'file:///etc/passwd',
  'https://ann:secret@registry.example/token',
  'token',
])('credentials are not sent to the realm %s', async (realm) => {
  const { pull, state, asked } = await behindTokens();
  state.challenge = `Bearer realm="${realm}"`;
  const credentials = async () => ({ username: 'ann', password: 'secret' });
  await expect(pull({ credentials })).rejects.toMatchObject({ code: 'REGISTRY_ERROR' });
  expect(asked).toEqual([]);
});

test('a registry on localhost gets its credentials and no others', async () => {
  const { registry, pull } = await makeScene();
  registry.image(['one'], { tag: '1' });
  const right = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  registry.intercept = (request, response) => {
    if (request.headers.authorization === right) return false;
    refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' });
    return true;
  };
  const name = registry.host.replace('127.0.0.1', 'localhost');
  const reference = parseRegistryReference(`${name}/test/image:1`);
  const credentials = async (asked: string) =>
    asked === name ? { username: 'ann', password: 'secret' } : undefined;
  await pull({ credentials }, reference);
});

test.each(['Basic realm="x"', 'Bearer realm="REALM"', 'Bearer realm="REFUSING"'])(
  'who is known to a helper program only is not told to log in again: %s',
  async (challenge) => {
    const scene = await behindTokens(({ url }) => ({
      status: url.pathname === '/refusing' ? 401 : 200,
    }));
    const realm = /"([^"]*)\?/.exec(scene.state.challenge)?.[1] ?? '';
    scene.state.expired = 1000;
    scene.state.challenge = challenge
      .replace('REALM', realm)
      .replace('REFUSING', realm.replace('token', 'refusing'));
    const { host } = scene.registry;
    const helped = scene.pull({ credentials: async () => ({ helper: 'docker-credential-x' }) });
    await expect(helped).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      hint: expect.stringMatching(
        `^docker-credential-x keeps .* podman login --authfile FILE ${host}, .*REGISTRY_AUTH_FILE=FILE`,
      ),
    });
    for (const { authorization } of scene.asked) expect(authorization).toBeUndefined();
    const stranger = scene.pull();
    await expect(stranger).rejects.toMatchObject({
      hint: expect.stringMatching(`^log in with podman login ${host} or docker login ${host};`),
    });
  },
);

test('Basic is answered with the credentials, and a wrong password is told of', async () => {
  const { registry, pull } = await makeScene();
  registry.image(['one'], { tag: '1' });
  const right = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  registry.intercept = (request, response) => {
    if (request.headers.authorization === right) return false;
    refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' });
    return true;
  };
  const wrong = pull({ credentials: async () => ({ username: 'ann', password: 'x' }) });
  await expect(wrong).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  await pull({ credentials: async () => ({ username: 'ann', password: 'secret' }) });
});
