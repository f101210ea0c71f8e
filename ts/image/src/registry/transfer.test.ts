import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { digestOf } from '../digest.ts';
import { filesOf, makeScene } from '../pull/pull.test.fixture.ts';
import { listen, refuse } from './server.test.fixture.ts';

const long = Array.from({ length: 20_000 }, (_, i) => digestOf(`${i}`)).join('');

/** A scene with an image of one long layer, and how often its blob was asked for from where. */
async function longLayer() {
  const scene = await makeScene();
  const image = scene.registry.image([long], { tag: '1' });
  const digest = image.layers[0]?.digest ?? '';
  const bytes = scene.registry.blobs.get(digest) ?? Buffer.alloc(0);
  const ranges = () =>
    scene.registry.requests
      .filter(({ line }) => line.endsWith(digest))
      .map(({ headers }) => headers.range ?? 'all');
  const check = async () =>
    expect(await filesOf(scene, scene.registry.reference())).toEqual({ 'layer-0': long });
  return { ...scene, digest, bytes, ranges, check };
}

test('a download goes on where its connection was dropped', async () => {
  const { registry, pull, digest, bytes, ranges, check, events } = await longLayer();
  let drops = 0;
  registry.intercept = (request, response) => {
    // More drops than attempts: each brought something.
    if (!request.url?.endsWith(digest) || drops === 5) return false;
    drops += 1;
    const from = Number(/=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const headers = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    response.writeHead(from === 0 ? 200 : 206, {
      'content-length': bytes.length - from,
      ...(from === 0 ? {} : headers),
    });
    response.write(bytes.subarray(from, from + 100_000), () => response.destroy());
    return true;
  };
  await pull();
  const asked = ranges();
  expect(asked).toHaveLength(6);
  expect(asked[0]).toBe('all');
  const starts = asked.slice(1).map((range) => Number(/^bytes=(\d+)-$/.exec(range)?.[1]));
  expect(starts).toEqual(starts.toSorted((a, b) => a - b));
  expect(starts[0]).toBeGreaterThan(0);
  expect(events.filter(({ type }) => type === 'retry')).toHaveLength(5);
  await check();
});

test.each([
  ['ignores', (size: number) => ({ status: 200, from: 0, size })],
  ['answers with another', (size: number) => ({ status: 206, from: 7, size })],
  ['refuses', (size: number) => ({ status: 416, from: 0, size })],
])('a registry that %s a range is asked for the whole again', async (_, answer) => {
  const { registry, pull, digest, bytes, ranges, check } = await longLayer();
  let requests = 0;
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(digest)) return false;
    requests += 1;
    if (requests === 1) {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 100_000), () => response.destroy());
      return true;
    }
    if (requests > 2) return false;
    const { status, from, size } = answer(bytes.length);
    response.writeHead(status, {
      ...(status === 206 ? { 'content-range': `bytes ${from}-${size - 1}/${size}` } : {}),
    });
    response.end(status === 416 ? undefined : bytes.subarray(from));
    return true;
  };
  await pull();
  expect(ranges()[0]).toBe('all');
  await check();
});

test('what was continued is verified as a whole', async () => {
  const { registry, pull, digest, bytes, store } = await longLayer();
  let requests = 0;
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(digest)) return false;
    requests += 1;
    if (requests > 1) return false;
    const other = Buffer.alloc(100_000, 'x');
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(other, () => response.destroy());
    return true;
  };
  await expect(pull()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(store).toBeDefined();
});

test.each([429, 500, 502, 503, 504])(
  'a registry that answers %d for a while is asked again',
  async (status) => {
    const { registry, pull, check, events } = await longLayer();
    const failures = new Map<string, number>();
    registry.intercept = (request, response) => {
      const count = (failures.get(request.url ?? '') ?? 0) + 1;
      failures.set(request.url ?? '', count);
      if (count > 2) return false;
      refuse(response, status, 'BUSY', 'try later');
      return true;
    };
    await pull();
    expect(events).toContainEqual({
      type: 'retry',
      operation: expect.stringContaining('fetch manifest 1'),
      error: expect.stringContaining(`answers ${status} (BUSY: try later)`),
      delayMs: expect.any(Number),
    });
    await check();
  },
);

test('credentials stay with the registry when a blob is somewhere else', async () => {
  const { registry, pull, digest, bytes, check } = await longLayer();
  const seen: (string | undefined)[] = [];
  const elsewhere = createServer((request, response) => {
    seen.push(request.headers.authorization, request.headers.cookie);
    response.end(bytes);
  });
  const { port } = await listen(elsewhere);
  registry.intercept = (request, response) => {
    if (request.headers.authorization === undefined) {
      refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' });
      return true;
    }
    if (!request.url?.endsWith(digest)) return false;
    response.writeHead(307, { location: `http://127.0.0.1:${port}/storage?signature=x` }).end();
    return true;
  };
  await pull({ credentials: async () => ({ username: 'ann', password: 'secret' }) });
  expect(seen).toEqual([undefined, undefined]);
  await check();
});

test('a storage that wants a login gets none, and no answer to its challenge', async () => {
  const { registry, pull, digest } = await longLayer();
  const seen: (string | undefined)[] = [];
  const elsewhere = createServer((request, response) => {
    seen.push(request.headers.authorization);
    refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' });
  });
  const { port } = await listen(elsewhere);
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(digest)) return false;
    response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
    return true;
  };
  const refused = pull({ credentials: async () => ({ username: 'ann', password: 'secret' }) });
  await expect(refused).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' });
  expect(seen).toEqual([undefined]);
});

test('a redirect within the registry keeps the credentials', async () => {
  const { registry, pull, digest, check } = await longLayer();
  registry.intercept = (request, response) => {
    if (request.headers.authorization === undefined) {
      refuse(response, 401, 'UNAUTHORIZED', 'no', { 'www-authenticate': 'Basic realm="x"' });
      return true;
    }
    if (request.url !== `/v2/test/image/blobs/${digest}`) return false;
    response.writeHead(301, { location: `../../other/blobs/${digest}` }).end();
    return true;
  };
  await pull({ credentials: async () => ({ username: 'ann', password: 'secret' }) });
  await check();
});

test('a slow layer is awaited as long as something comes', async () => {
  const { registry, pull, digest, bytes, check } = await longLayer();
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(digest)) return false;
    const piece = Math.ceil(bytes.length / 8);
    let at = 0;
    const next = () => {
      response.write(bytes.subarray(at, at + piece));
      at += piece;
      if (at < bytes.length) setTimeout(next, 100);
      else response.end();
    };
    next();
    return true;
  };
  // The pieces take 800 ms, a stall is 300 ms.
  await pull();
  await check();
});
