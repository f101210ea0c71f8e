import { expect, test } from 'vitest';
import type { Core } from './core.ts';
import { layersInUse } from './store.ts';

const paths = { dataRoot: '/data', runRoot: '/run' };

function core(...requests: unknown[]): Core {
  return { listStates: () => requests.map((request) => ({ request })) } as unknown as Core;
}

test('layers in use are the lower layers of every container on record', () => {
  const overlay = (...lower: unknown[]) => ({ root: { source: { kind: 'overlay', lower } } });
  const bind = { root: { source: { kind: 'bind', path: '/x' } } };
  const states = core(overlay('/a', '/b'), bind, overlay('/b', '/c'));
  expect([...layersInUse(paths, states)]).toEqual(['/a', '/b', '/c']);
});

test('a record that cannot be read uses nothing', () => {
  const states = core(null, undefined, {}, { root: null }, { root: { source: { lower: 'x' } } });
  expect([...layersInUse(paths, states)]).toEqual([]);
});
