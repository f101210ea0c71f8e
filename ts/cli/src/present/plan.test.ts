import type { Plan } from '@ctr-ts/sdk';
import { expect, test } from 'vitest';
import { planSections, presentPlan } from './plan.ts';

const OFF = {
  readonly: false,
  nosuid: false,
  nodev: false,
  noexec: false,
  nosymfollow: false,
  atime: null,
  recursive: false,
};
const NO_LIMITS = {
  cpuQuotaUs: null,
  cpuPeriodUs: null,
  cpuShares: null,
  cpusetCpus: null,
  cpusetMems: null,
  memoryLimitBytes: null,
  memorySwapBytes: null,
  memoryReservationBytes: null,
  pidsLimit: null,
  devices: [],
};

const PLAN: Plan = {
  id: 'x',
  namespaces: ['user', 'pid', 'mount', 'uts', 'ipc', 'network'].map((kind) => ({
    kind,
    path: null,
  })),
  idMaps: {
    explicit: {
      uids: [{ containerId: 0, hostId: 1000, size: 1 }],
      gids: [{ containerId: 0, hostId: 1000, size: 1 }],
    },
  },
  hostname: 'box',
  domainname: null,
  root: {
    source: {
      kind: 'overlay',
      lower: ['/layers/a'],
      upper: { kind: 'tmpfs', sizeBytes: null },
      userxattr: true,
    },
    attributes: OFF,
  },
  mounts: [
    {
      destination: '/proc',
      source: { kind: 'filesystem', fsType: 'proc', source: 'proc', parameters: [] },
      attributes: { ...OFF, nosuid: true, nodev: true, noexec: true },
      propagation: null,
      optional: false,
    },
    {
      destination: '/src',
      source: { kind: 'bind', path: '/home/me/src', recursive: true },
      attributes: { ...OFF, readonly: true },
      propagation: null,
      optional: true,
    },
  ],
  devices: [{ path: '/dev/null', kind: 'char', major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0 }],
  devLinks: [['/dev/fd', '/proc/self/fd']],
  maskedPaths: ['/proc/kcore'],
  readonlyPaths: ['/proc/sys'],
  sysctls: [],
  loopback: true,
  cgroup: {
    path: 'ctr-ts/x',
    policy: 'required',
    resources: {
      ...NO_LIMITS,
      cpuQuotaUs: 20_000,
      cpuPeriodUs: 100_000,
      memoryLimitBytes: 268_435_456,
      pidsLimit: 64,
    },
  },
  process: {
    program: { kind: 'command', args: ['id', '-u'] },
    env: ['PATH=/usr/bin:/bin', 'HOME=/root'],
    cwd: '/',
    user: { uid: 0, gid: 0, additionalGids: [], umask: null, lookup: null },
    capabilities: {
      bounding: 0b101,
      effective: 0b101,
      permitted: 0b101,
      inheritable: 0,
      ambient: 0,
    },
    noNewPrivileges: false,
    rlimits: [],
    oomScoreAdj: null,
    terminal: false,
    seccomp: {
      defaultAction: { kind: 'errno', value: 1 },
      architectures: ['SCMP_ARCH_X86_64'],
      flags: [],
      rules: [
        {
          names: ['read', 'write'],
          action: { kind: 'allow' },
          args: [],
          reason: 'every program reads and writes',
        },
        {
          names: ['personality'],
          action: { kind: 'allow' },
          args: [{ index: 0, op: 'equal', value: 8, valueTwo: 0 }],
          reason: 'harmless personalities',
        },
        {
          names: ['clone'],
          action: { kind: 'allow' },
          args: [{ index: 0, op: 'maskedEqual', value: 0x7e020000, valueTwo: 0 }],
          reason: 'threads, but no new namespaces',
        },
      ],
    },
  },
};

test('a plan is readable at 80 columns without colour', () => {
  const text = presentPlan(PLAN, { columns: 80, color: false });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(text).not.toContain('\u001b');
  expect(`\n${text}`).toMatchInlineSnapshot(`
    "
    NAMESPACES  outside       inside
      user      new           uid 0 is 1000 outside (1)
      pid       new           PID 1 is id
      mount     new           a root and 2 mounts of its own
      uts       new           host name box
      ipc       new           no queue or segment of the host
      network   new           lo only, up
      cgroup    the caller's  the same
      time      the caller's  the same

    MOUNTS   outside                             inside
      /      overlay of /layers/a; writes go to  rw
             memory
      /proc  proc                                rw,nosuid,nodev,noexec
      /src   /home/me/src                        ro; left out where refused

    DEVICES      outside   inside
      /dev/null  char 1:3  mode 0666
      /dev/fd    link      to /proc/self/fd

    HIDDEN PATHS   outside             inside
      /proc/kcore  as the host has it  empty
      /proc/sys    as the host has it  read-only

    CGROUP FILES  outside                           inside
      group       ctr-ts/x                          / (required)
      cpu         cpu.cfs_quota_us (v2: cpu.max) =  0.2 of a processor
                  20000
      memory      memory.limit_in_bytes (v2:        256 MiB
                  memory.max) = 268435456
      pids        pids.max = 64                     64 processes and threads

    PROCESS              outside    inside
      program                       id -u
      user               1000:1000  0:0
      working directory             /
      environment                   PATH=/usr/bin:/bin HOME=/root
      no new privileges             no: set-id programs work

    CAPABILITIES   outside                        inside
      bounding     none: own user namespace only  CHOWN DAC_READ_SEARCH
      effective    none: own user namespace only  CHOWN DAC_READ_SEARCH
      permitted    none: own user namespace only  CHOWN DAC_READ_SEARCH
      inheritable  none                           none
      ambient      none                           none

    SECCOMP    reason                          system calls
      allow    every program reads and writes  2: read write
      allow    harmless personalities          1: personality when arg0 == 8
      allow    threads, but no new namespaces  1: clone when arg0 & 0x7e020000 == 0
      errno 1  not named above                 every other call
    "
  `);
});

test('titles are bold where colours are wanted', () => {
  expect(presentPlan(PLAN, { columns: 100, color: true })).toContain('\u001b[1mNAMESPACES');
});

test('what the host shares is said', () => {
  const rows = planSections({ ...PLAN, namespaces: [] })[0]?.rows;
  expect(rows?.every(([, outside]) => outside === "the caller's")).toBe(true);
});

test('a container without a filter says that every call is allowed', () => {
  const process = { ...PLAN.process, seccomp: null };
  const seccomp = planSections({ ...PLAN, process }).find(({ title }) => title === 'seccomp');
  expect(seccomp?.rows).toEqual([['unconfined', 'no filter', 'every call']]);
});
