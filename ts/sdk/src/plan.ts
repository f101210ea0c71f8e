/** The Plan: everything that is done to make a container, as the native core lists it. */

/** What `init` executes; the JSON of ctr-spec's Plan. */
export interface Plan {
  id: string;
  namespaces: { kind: string; path: string | null }[];
  /** `inherit`: every id of the caller's namespace; `null`: no user namespace. */
  idMaps: 'inherit' | { explicit: { uids: PlanIdMap[]; gids: PlanIdMap[] } } | null;
  hostname: string | null;
  domainname: string | null;
  root: { source: RootSource; attributes: PlanAttributes };
  mounts: PlanMount[];
  devices: PlanDevice[];
  devLinks: [string, string][];
  maskedPaths: string[];
  readonlyPaths: string[];
  sysctls: [string, string][];
  loopback: boolean;
  cgroup: {
    path: string;
    resources: PlanResources;
    policy: 'required' | 'preferred' | 'off';
  } | null;
  process: PlanProcess;
}

export interface PlanIdMap {
  containerId: number;
  hostId: number;
  size: number;
}

/** Where the root file system comes from. */
export type RootSource =
  | { kind: 'bind'; path: string }
  | { kind: 'overlay'; lower: string[]; upper: OverlayUpper; userxattr: boolean };

/** Where writes go. */
export type OverlayUpper =
  | { kind: 'tmpfs'; sizeBytes: number | null }
  | { kind: 'directory'; path: string };

export interface PlanAttributes {
  readonly: boolean;
  nosuid: boolean;
  nodev: boolean;
  noexec: boolean;
  nosymfollow: boolean;
  atime: 'noatime' | 'relatime' | 'strictatime' | null;
  recursive: boolean;
}

export interface PlanMount {
  destination: string;
  source:
    | { kind: 'bind'; path: string; recursive: boolean }
    | {
        kind: 'filesystem';
        fsType: string;
        source: string;
        parameters: [string, string | null][];
      }
    | { kind: 'cgroup' }
    /** A small file in memory. */
    | { kind: 'content'; text: string };
  attributes: PlanAttributes;
  propagation: string | null;
  optional: boolean;
}

export interface PlanDevice {
  path: string;
  kind: 'char' | 'block' | 'fifo';
  major: number;
  minor: number;
  mode: number;
  uid: number;
  gid: number;
}

/** Limits; `null` is none. */
export interface PlanResources {
  cpuQuotaUs: number | null;
  cpuPeriodUs: number | null;
  cpuShares: number | null;
  cpusetCpus: string | null;
  cpusetMems: string | null;
  memoryLimitBytes: number | null;
  memorySwapBytes: number | null;
  memoryReservationBytes: number | null;
  pidsLimit: number | null;
  devices: PlanDeviceRule[];
}

export interface PlanDeviceRule {
  allow: boolean;
  kind: 'char' | 'block' | 'fifo' | null;
  major: number | null;
  minor: number | null;
  read: boolean;
  write: boolean;
  mknod: boolean;
}

export interface PlanProcess {
  program: { kind: 'command' | 'supervise'; args: string[] } | { kind: 'init' } | { kind: 'view' };
  env: string[];
  cwd: string;
  user: {
    uid: number;
    gid: number;
    additionalGids: number[];
    /** Names or numbers that are looked up in the image. */
    lookupGroups: string[];
    umask: number | null;
    lookup: string | null;
  };
  /** Bit masks; bit n is capability n of capabilities(7). */
  capabilities: {
    bounding: number;
    effective: number;
    permitted: number;
    inheritable: number;
    ambient: number;
  };
  noNewPrivileges: boolean;
  rlimits: { resource: string; soft: number; hard: number }[];
  oomScoreAdj: number | null;
  terminal: boolean;
  consoleSize: { rows: number; columns: number } | null;
  seccomp: PlanFilter | null;
}

/** A resolved system call filter. */
export interface PlanFilter {
  defaultAction: PlanAction;
  architectures: string[];
  flags: string[];
  rules: PlanRule[];
}

/** What happens to a call, seccomp(2). */
export interface PlanAction {
  kind: string;
  value?: number;
}

/** One rule over several calls, with the reason it is there. */
export interface PlanRule {
  names: string[];
  action: PlanAction;
  args: { index: number; op: string; value: number; valueTwo: number }[];
  reason: string;
}
