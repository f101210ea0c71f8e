import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Core } from './core.ts';
import { storeUse } from './store.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-sdk-'));
const paths = { dataRoot: join(directory, 'data'), runRoot: join(directory, 'run') };
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function core(...requests: unknown[]): Core {
  return {
    listStates: () =>
      requests.map((request, index) => ({ id: `${index}`, status: 'stopped', request })),
  } as unknown as Core;
}

test('layers in use are the lower layers of every container on record', async () => {
  const overlay = (...lower: unknown[]) => ({ root: { source: { kind: 'overlay', lower } } });
  const bind = { root: { source: { kind: 'bind', path: '/x' } } };
  const { layers } = await storeUse(paths, core(overlay('/a', '/b'), bind, overlay('/b', '/c')));
  expect([...layers]).toEqual(['/a', '/b', '/c']);
});

test('an ended container whose record cannot be read uses nothing', async () => {
  const states = core(null, undefined, {}, { root: null }, { root: { source: { lower: 'x' } } });
  expect([...(await storeUse(paths, states)).layers]).toEqual([]);
});

test('where it is not known what a container runs on, nothing is said to be unused', async () => {
  const running = {
    listStates: () => [{ id: 'a', status: 'running', directory: '/run/a', request: null }],
  } as unknown as Core;
  await expect(storeUse(paths, running)).rejects.toMatchObject({ code: 'IO_ERROR' });
  // One that the core passes over, because it could not be opened.
  mkdirSync(join(paths.runRoot, 'containers/lost'), { recursive: true });
  await expect(storeUse(paths, core())).rejects.toMatchObject({
    code: 'IO_ERROR',
    message: expect.stringContaining('lost'),
  });
});
