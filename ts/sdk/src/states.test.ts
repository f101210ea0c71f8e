import { expect, test } from 'vitest';
import { capabilitySets } from './capabilities.ts';
import type { Core, StateEntry } from './core.ts';
import type { ContainerOptions } from './options.ts';
import { makeRecord } from './record.ts';
import { settingsOf } from './settings.ts';
import { describe, findState, recordOf } from './states.ts';

function entry(id: string, fields: Partial<StateEntry> = {}): StateEntry {
  const options: ContainerOptions = { image: 'host:', cpus: 0.5, pidsLimit: -1 };
  const process = {
    args: ['id'],
    cwd: '/srv',
    env: ['A=b'],
    user: { uid: 0, gid: 0 },
    capabilities: capabilitySets([]),
    noNewPrivileges: false,
  };
  return {
    id,
    name: null,
    status: 'running',
    directory: `/run/ctr-ts/containers/${id}`,
    request: {},
    record: makeRecord({
      options,
      image: { name: 'host:', id: null, defaults: {} },
      init: false,
      hostname: 'h',
      process,
      user: undefined,
      writableLayer: undefined,
      settings: settingsOf(options, {}),
    }),
    createdAt: 0,
    cgroupDirectories: [],
    ownerSocket: null,
    keep: false,
    pid: 42,
    exit: null,
    ...fields,
  };
}

const core = (...entries: StateEntry[]) => ({ listStates: () => entries }) as unknown as Core;

test('a container is found by id, by name, and by the beginning of its id', () => {
  const store = core(entry('aaa1', { name: 'aaa2' }), entry('aaa2'), entry('bbb'));
  expect(findState(store, '', 'aaa2').id).toBe('aaa2');
  expect(findState(store, '', 'b').id).toBe('bbb');
  expect(findState(core(entry('aaa1', { name: 'web' })), '', 'web').id).toBe('aaa1');
});

test('what fits none or more than one is an error with a code', () => {
  const store = core(entry('aaa1'), entry('aaa2'));
  const find = (query: string) => () => findState(store, '', query);
  expect(find('aaa')).toThrow(expect.objectContaining({ code: 'CONTAINER_AMBIGUOUS' }));
  expect(find('c')).toThrow(expect.objectContaining({ code: 'CONTAINER_NOT_FOUND' }));
  expect(find('')).toThrow(expect.objectContaining({ code: 'CONTAINER_NOT_FOUND' }));
});

test('the description is JSON-safe and says what the options said', () => {
  const info = describe(entry('aaa1'));
  expect(JSON.parse(JSON.stringify(info))).toEqual(info);
  expect(info).toMatchObject({
    image: 'host:',
    command: ['id'],
    pid: 42,
    exit: null,
    workdir: '/srv',
    createdAt: '1970-01-01T00:00:00.000Z',
    limits: { cpus: 0.5, memoryBytes: null, pidsLimit: null },
  });
});

test('a container that has ended has an exit and no pid', () => {
  const exit = { exitCode: null, signal: 9, oomKilled: true, finishedAt: 1000 };
  expect(describe(entry('aaa1', { status: 'stopped', exit }))).toMatchObject({
    pid: null,
    exit: { signal: 'SIGKILL', oomKilled: true, finishedAt: '1970-01-01T00:00:01.000Z' },
  });
});

test('a record that nobody can read still has an id and a status', () => {
  const broken = entry('aaa1', { record: null, status: 'dead' });
  expect(describe(broken)).toMatchObject({ id: 'aaa1', status: 'dead', image: '', command: [] });
  expect(() => recordOf(broken)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});
