import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporary } from '../temporary.test.fixture.ts';
import { dockerCredentials } from './credentials.ts';

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });

async function files(contents: Record<string, unknown>): Promise<(name: string) => string> {
  const directory = await temporary();
  for (const [name, content] of Object.entries(contents)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    await writeFile(join(directory, name), text);
  }
  return (name) => join(directory, name);
}

test('docker and podman entries are found for their registry only', async () => {
  const path = await files({
    'home/.docker/config.json': {
      auths: {
        'https://index.docker.io/v1/': auth('hub:pass'),
        'localhost:5000': auth('local:a:b'),
        'https://host.tld': auth('host:pass'),
        'host.tld:5000/team': auth('team:pass'),
        'kept.tld': {},
      },
    },
    'run/containers/auth.json': {
      auths: { 'podman.tld': auth('podman:pass'), 'host.tld': auth('second:pass') },
    },
  });
  const source = dockerCredentials({ HOME: path('home'), XDG_RUNTIME_DIR: path('run') });
  expect(await source('docker.io')).toEqual({ username: 'hub', password: 'pass' });
  expect(await source('localhost:5000')).toEqual({ username: 'local', password: 'a:b' });
  expect(await source('host.tld')).toEqual({ username: 'host', password: 'pass' });
  expect(await source('podman.tld')).toEqual({ username: 'podman', password: 'pass' });
  for (const other of ['host.tld:5000', 'kept.tld', 'localhost', 'evil-host.tld', '__proto__']) {
    expect(await source(other), other).toBeUndefined();
  }
});

test('who keeps credentials that are not read is told, and found ones come first', async () => {
  const path = await files({
    'docker/config.json': {
      auths: { 'https://index.docker.io/v1/': {}, 'own.tld': auth('own:x'), 'podman.tld': {} },
      credsStore: 'desktop',
      credHelpers: { 'cloud.tld': 'cloud', 'own.tld': 'unused' },
    },
    'run/containers/auth.json': { auths: { 'podman.tld': auth('podman:x') } },
  });
  const source = dockerCredentials({
    DOCKER_CONFIG: path('docker'),
    XDG_RUNTIME_DIR: path('run'),
  });
  expect(await source('docker.io')).toEqual({ helper: 'docker-credential-desktop' });
  expect(await source('cloud.tld')).toEqual({ helper: 'docker-credential-cloud' });
  expect(await source('own.tld')).toMatchObject({ username: 'own' });
  expect(await source('podman.tld')).toMatchObject({ username: 'podman' });
});

test('the variables of docker and podman choose the file', async () => {
  const path = await files({
    'home/.docker/config.json': { auths: { 'a.tld': auth('home:x') } },
    'docker/config.json': { auths: { 'a.tld': { username: 'docker', password: 'x' } } },
    'auth.json': { auths: { 'b.tld': auth('file:x') } },
  });
  const HOME = path('home');
  const docker = dockerCredentials({ HOME, DOCKER_CONFIG: path('docker') });
  expect(await docker('a.tld')).toMatchObject({ username: 'docker' });
  const file = dockerCredentials({ HOME, REGISTRY_AUTH_FILE: path('auth.json') });
  expect(await file('b.tld')).toMatchObject({ username: 'file' });
  expect(await file('a.tld')).toBeUndefined();
  expect(await dockerCredentials({})('a.tld')).toBeUndefined();
  expect(await dockerCredentials({ HOME: path('none') })('a.tld')).toBeUndefined();
});

test.each([
  ['{', 'no JSON'],
  ['{"auths":[]}', 'auths'],
  ['{"auths":{"a.tld":{"auth":"bm8gY29sb24="}}}', 'USER:PASSWORD'],
  ['{"auths":{"a.tld":{"auth":1}}}', 'not a string'],
  ['{"credsStore":1}', 'not a string'],
  ['{"credHelpers":[]}', 'credHelpers'],
])('a file that holds %s is told of by name', async (content, says) => {
  const path = await files({ 'auth.json': content });
  const refused = dockerCredentials({ REGISTRY_AUTH_FILE: path('auth.json') })('a.tld');
  await expect(refused).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(says),
    hint: expect.stringContaining(path('auth.json')),
  });
});

test('an empty file, or one without entries, knows nobody', async () => {
  for (const content of ['', '{}', '{"credHelpers":{}}', '{"credsStore":""}']) {
    const path = await files({ 'auth.json': content });
    const source = dockerCredentials({ REGISTRY_AUTH_FILE: path('auth.json') });
    expect(await source('a.tld')).toBeUndefined();
  }
});
