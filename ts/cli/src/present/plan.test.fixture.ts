/** A plan for tests. */

import type { Plan } from '@ctr-ts/sdk';

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

/** A plan with something in every section. */
export const PLAN: Plan = {
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
    user: { uid: 0, gid: 0, additionalGids: [], lookupGroups: [], umask: null, lookup: null },
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
    consoleSize: null,
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
