/**
 * The parts of an OCI runtime configuration that we write, version 1.3.
 * https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md
 */

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md */
export interface RuntimeSpec {
  ociVersion: string;
  process: SpecProcess;
  root?: { path: string; readonly?: boolean };
  hostname?: string;
  domainname?: string;
  mounts: SpecMount[];
  annotations?: Record<string, string>;
  linux: SpecLinux;
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#process */
export interface SpecProcess {
  terminal?: boolean;
  /** In characters; only with `terminal`. */
  consoleSize?: { height: number; width: number };
  cwd: string;
  env: string[];
  args: string[];
  user: SpecUser;
  capabilities: SpecCapabilities;
  noNewPrivileges: boolean;
  rlimits?: { type: string; soft: number; hard: number }[];
  oomScoreAdj?: number;
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#posix-platform-user */
export interface SpecUser {
  uid: number;
  gid: number;
  umask?: number;
  additionalGids?: number[];
}

/** Names as in capabilities(7), with their `CAP_` prefix. */
export interface SpecCapabilities {
  bounding: string[];
  effective: string[];
  permitted: string[];
  inheritable: string[];
  ambient: string[];
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#mounts */
export interface SpecMount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md */
export interface SpecLinux {
  namespaces: SpecNamespace[];
  cgroupsPath?: string;
  resources?: SpecResources;
  devices?: SpecDevice[];
  sysctl?: Record<string, string>;
  maskedPaths: string[];
  readonlyPaths: string[];
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#namespaces */
export interface SpecNamespace {
  type: 'user' | 'pid' | 'mount' | 'uts' | 'ipc' | 'network' | 'cgroup' | 'time';
  path?: string;
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#control-groups */
export interface SpecResources {
  cpu?: { quota?: number; period?: number; shares?: number; cpus?: string; mems?: string };
  memory?: { limit?: number; swap?: number; reservation?: number };
  pids?: { limit: number };
  devices?: SpecDeviceRule[];
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#devices */
export interface SpecDevice {
  path: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
  fileMode: number;
  uid: number;
  gid: number;
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config-linux.md#device-whitelist */
export interface SpecDeviceRule {
  allow: boolean;
  type?: 'a' | 'c' | 'b';
  major?: number;
  minor?: number;
  access: string;
}
