import type { PruneReport } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { presentPruned } from './pruned.ts';

const NOTHING: PruneReport = {
  containers: [],
  names: [],
  sockets: [],
  cgroups: [],
  layers: [],
  staging: [],
  blobs: [],
  unpacked: [],
};

test('nothing to do is said', () => {
  expect(presentPruned(NOTHING)).toBe('nothing to remove\n');
});

test('each thing that was removed has a line', () => {
  const containers = [
    { id: 'a'.repeat(64), name: 'web' },
    { id: 'b'.repeat(64), name: null },
  ];
  expect(
    presentPruned({
      ...NOTHING,
      containers,
      cgroups: ['/cg/x'],
      layers: ['/l'],
      blobs: ['sha256:1'],
      unpacked: ['/u'],
    }),
  ).toBe(
    'removed container aaaaaaaaaaaa web\nremoved container bbbbbbbbbbbb\nremoved cgroup /cg/x\nremoved writable layer /l\nremoved unused sha256:1\nremoved unused layer /u\n',
  );
});
