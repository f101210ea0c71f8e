import type { CgroupNode, CgroupStat } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { presentLimited, presentStat, presentTree } from './cgroup.ts';

const STAT: CgroupStat = {
  path: 'asp',
  directories: ['/sys/fs/cgroup/cpu/ctr-ts/asp'],
  stats: {
    cpu: {
      usageUs: 1_040_000,
      userUs: 1_000_000,
      systemUs: 40_000,
      periods: 50,
      throttledPeriods: 49,
      throttledUs: 4_000_000,
    },
    memory: { currentBytes: 1_048_576, peakBytes: 2_097_152, limitBytes: null, oomKills: 1 },
    pids: { current: 2, limit: 64 },
  },
  limits: { 'cpu.cfs_quota_us': '20000' },
  pids: [4711, 4712],
};

const leaf = (name: string, pids: number, limits = {}): CgroupNode => ({
  name,
  directories: [],
  controllers: [],
  enabledForChildren: [],
  limits,
  pids,
  children: [],
});

test('what a group used stands beside its limits', () => {
  expect(`\n${presentStat(STAT, { columns: 80, color: false })}`).toMatchInlineSnapshot(`
    "
    CGROUP           used                              limit
      group          asp
      cpu            1.04s (user 1.00s, system 0.04s)  cpu.cfs_quota_us = 20000
      throttled      49 of 50 periods                  held back for 4.00s
      memory         1 MiB (at most 2 MiB)             no limit
      out of memory  1 killed
      tasks          2                                 64
      processes      4711 4712
    "
  `);
});

test('a part without a controller is left out', () => {
  const stats = { cpu: null, memory: null, pids: null };
  const text = presentStat({ ...STAT, stats, pids: [] }, { columns: 80, color: false });
  expect(text).toBe('CGROUP       used  limit\n  group      asp\n  processes  none\n');
});

test('limits are shown as asked for and as in force', () => {
  const written = [{ file: '/cg/asp/memory.max', requested: '1000000', value: '999424' }];
  expect(presentLimited({ path: 'asp', directories: ['/cg/asp'], written })).toBe(
    'asp\n  /cg/asp\n\nFILE         WRITTEN   IN FORCE\nmemory.max   1000000   999424\n',
  );
});

test('controllers come first, then the groups as a tree', () => {
  const tree = {
    ...leaf('ctr-ts', 0),
    children: [
      {
        ...leaf('a', 1, { 'pids.max': '64', 'devices.list': 'c 1:3 rwm\nc 1:5 rwm' }),
        children: [leaf('f'.repeat(64), 0)],
      },
      leaf('b', 2),
    ],
  };
  const hierarchy = {
    interface: 'v1',
    controllers: ['cpu', 'cpuacct'],
    enabledForChildren: ['cpu', 'cpuacct'],
    mount: '/sys/fs/cgroup/cpu',
    own: '/',
    ownDirectory: '/sys/fs/cgroup/cpu',
    base: '/sys/fs/cgroup/cpu',
    writable: true,
    used: true,
  };
  expect(presentTree({ version: 'v1', writable: true, hierarchies: [hierarchy] }, tree)).toBe(
    `HIERARCHY            KIND   CONTROLLERS   FOR CHILDREN   WRITABLE
/sys/fs/cgroup/cpu   v1     cpu cpuacct   cpu cpuacct    yes

ctr-ts  0 processes
├─ a  1 process  pids.max=64  devices.list: 2 rules
│  └─ ffffffffffff  0 processes
└─ b  2 processes
`,
  );
});

test('a machine without writable groups says so', () => {
  expect(
    presentTree({ version: 'none', writable: false, hierarchies: [] }, leaf('ctr-ts', 0)),
  ).toContain('no group can be made here');
});
