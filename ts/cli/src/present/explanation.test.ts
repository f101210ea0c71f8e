import type { Explanation } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { explanationSections, presentExplanation } from './explanation.ts';
import { PLAN } from './plan.test.fixture.ts';

const CAPABILITIES = {
  inheritable: [],
  permitted: ['CHOWN', 'KILL'],
  effective: ['CHOWN', 'KILL'],
  bounding: ['CHOWN', 'KILL'],
  ambient: [],
};

const OUTSIDE: Explanation['outside'] = {
  pid: 4711,
  hostname: 'laptop',
  uid: 1000,
  gid: 1000,
  namespaces: [
    { kind: 'user', inode: 4026532001, own: true },
    { kind: 'net', inode: 4026531840, own: false },
  ],
  mounts: [
    {
      target: '/',
      type: 'overlay',
      source: 'overlay',
      root: '/',
      options: ['rw', 'relatime'],
      propagation: [],
    },
    {
      target: '/src',
      type: 'ext4',
      source: '/dev/vda1',
      root: '/home/me/src',
      options: ['ro'],
      propagation: [],
    },
  ],
  uidMap: [{ inside: 0, outside: 1000, count: 1 }],
  gidMap: [{ inside: 0, outside: 1000, count: 1 }],
  cgroups: [{ hierarchy: 'pids', path: '/user/ctr-ts/x' }],
  capabilities: CAPABILITIES,
  noNewPrivileges: false,
  seccomp: 'filter',
};

const EXPLANATION: Explanation = {
  container: {
    id: 'x',
    name: 'box',
    image: 'host:',
    imageId: null,
    command: ['sh'],
    status: 'running',
    createdAt: '2026-01-01T00:00:00Z',
    pid: 4711,
    exit: null,
    hostname: 'box',
    user: null,
    workdir: '/',
    env: [],
    labels: {},
    network: 'none',
    privileged: false,
    readOnly: false,
    terminal: false,
    limits: { cpus: null, memoryBytes: null, pidsLimit: 64 },
    volumes: [],
    tmpfs: [],
    settings: null,
    cgroups: [],
    writableLayer: null,
  },
  plan: PLAN,
  outside: OUTSIDE,
  inside: {
    ...OUTSIDE,
    pid: 7,
    hostname: 'box',
    uid: 0,
    gid: 0,
    namespaces: [{ kind: 'user', inode: 4026532001, own: true }],
    mounts: OUTSIDE.mounts.slice(0, 1),
    cgroups: [{ hierarchy: 'pids', path: '/' }],
    interfaces: ['lo'],
    processes: [
      { pid: 1, command: 'sh' },
      { pid: 7, command: 'ctr-runtime' },
    ],
  },
  cgroupFiles: [{ file: '/sys/fs/cgroup/pids/user/ctr-ts/x/pids.max', value: '64' }],
};

test('both sides of a container stand side by side at 80 columns', () => {
  const text = presentExplanation(EXPLANATION, { columns: 80, color: false });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(`\n${text.split('SECCOMP')[0]}`).toMatchInlineSnapshot(`
    "
    PROCESS              outside        inside
      pid                4711           1
      user               1000:1000      0:0
      host name          laptop         box
      in sight           every process  1 sh, 7 ctr-runtime
      interfaces                        lo
      no new privileges  no             no
      seccomp            filter         filter

    NAMESPACES  outside                  inside
      user      4026532001 its own       4026532001
      net       4026531840 the caller's  hidden
      uid map   0 is 1000 (1)            0 is 1000 (1)
      gid map   0 is 1000 (1)            0 is 1000 (1)

    MOUNTS  outside                      inside
      /     overlay                      rw,relatime
      /src  ext4 /dev/vda1 /home/me/src  not in sight

    CGROUP  outside         inside
      pids  /user/ctr-ts/x  /

    CGROUP FILES  value  directory
      pids.max    64     /sys/fs/cgroup/pids/user/ctr-ts/x

    CAPABILITIES   outside                        inside
      inheritable  none                           none
      permitted    none: own user namespace only  CHOWN KILL
      effective    none: own user namespace only  CHOWN KILL
      bounding     none: own user namespace only  CHOWN KILL
      ambient      none                           none

    "
  `);
});

test('what the inside cannot see is said', () => {
  const sections = explanationSections(EXPLANATION);
  const row = (title: string, what: string) =>
    sections.find((section) => section.title === title)?.rows.find(([cell]) => cell === what);
  expect(row('namespaces', 'net')).toEqual(['net', "4026531840 the caller's", 'hidden']);
  expect(row('mounts', '/src')?.[2]).toBe('not in sight');
  expect(row('process', 'pid')).toEqual(['pid', '4711', '1']);
});

test('an escape sequence in a host name of the container is not obeyed', () => {
  const inside = { ...EXPLANATION.inside, hostname: 'a\u001b[2Jb' };
  const text = presentExplanation({ ...EXPLANATION, inside }, { columns: 80, color: false });
  expect(text).not.toContain('\u001b');
  expect(text).toContain('a\\x1b[2Jb');
});
