import type { ContainerInfo } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { presentContainers, roughDuration } from './containers.ts';

const NOW = Date.parse('2026-01-02T00:00:00Z');

const RUNNING: ContainerInfo = {
  id: '4f1c'.padEnd(64, '0'),
  name: 'web',
  image: 'host:',
  imageId: null,
  command: ['node', 'server.js', '--port', '8080', '--verbose'],
  status: 'running',
  createdAt: '2026-01-01T22:00:00Z',
  pid: 4711,
  exit: null,
  hostname: 'web',
  user: null,
  workdir: '/',
  env: [],
  labels: {},
  network: 'none',
  privileged: false,
  readOnly: false,
  terminal: false,
  limits: { cpus: null, memoryBytes: null, pidsLimit: null },
  volumes: [],
  tmpfs: [],
  settings: null,
  cgroups: [],
  writableLayer: null,
};

const STOPPED: ContainerInfo = {
  ...RUNNING,
  id: 'abcd'.padEnd(64, '1'),
  name: null,
  command: ['true'],
  status: 'stopped',
  createdAt: '2026-01-01T23:59:00Z',
  pid: null,
  exit: { exitCode: 3, signal: null, oomKilled: false, finishedAt: '2026-01-01T23:59:30Z' },
};

test('containers are listed newest first, with what became of them', () => {
  const killed: ContainerInfo = {
    ...STOPPED,
    createdAt: '2026-01-01T23:58:00Z',
    exit: {
      exitCode: null,
      signal: 'SIGKILL',
      oomKilled: true,
      finishedAt: '2026-01-01T23:59:59Z',
    },
  };
  const dead: ContainerInfo = {
    ...STOPPED,
    command: [],
    status: 'dead',
    exit: null,
    createdAt: '2025-12-30T00:00:00Z',
  };
  expect(presentContainers([dead, RUNNING, killed, STOPPED], { whole: false, now: NOW })).toBe(
    [
      'CONTAINER ID   IMAGE   COMMAND                    CREATED         STATUS                                         NAME',
      'abcd11111111   host:   "true"                     1 minute ago    Exited (3) 30 seconds ago',
      'abcd11111111   host:   "true"                     2 minutes ago   Exited (SIGKILL, out of memory) 1 second ago',
      '4f1c00000000   host:   "node server.js --port …   2 hours ago     Up 2 hours                                     web',
      'abcd11111111   host:                              3 days ago      Dead',
      '',
    ].join('\n'),
  );
});

test('an empty list is a heading', () => {
  expect(presentContainers([], { whole: false, now: NOW })).toBe(
    'CONTAINER ID   IMAGE   COMMAND   CREATED   STATUS   NAME\n',
  );
});

test('nothing is shortened when everything is wanted', () => {
  const text = presentContainers([RUNNING], { whole: true, now: NOW });
  expect(text).toContain(RUNNING.id);
  expect(text).toContain('"node server.js --port 8080 --verbose"');
});

test.each([
  [0, '0 seconds'],
  [1_000, '1 second'],
  [119_000, '1 minute'],
  [7_200_000, '2 hours'],
  [86_400_000 * 3, '3 days'],
  [86_400_000 * 13, '13 days'],
  [86_400_000 * 15, '2 weeks'],
  [86_400_000 * 70, '2 months'],
  [86_400_000 * 729, '24 months'],
  [86_400_000 * 730, '2 years'],
  [-5, '0 seconds'],
])('%i ms are %s', (durationMs, text) => {
  expect(roughDuration(durationMs)).toBe(text);
});
