/**
 * The addon's surface, exactly as crates/node exports it. Nothing here decides anything: JSON in,
 * file descriptors and events out. `Started.pid` is a pid of the addon's own PID namespace.
 */
export interface Addon {
  /**
   * Say once per OS process where the executable is and how the launcher maps ids; later calls
   * with other values are errors (code `ALREADY_CONFIGURED`). Starts nothing.
   */
  configure(options: LauncherOptions): void;
  /** Register the event sink of this JS environment (main thread or worker). Returns its number. */
  attach(onEvent: (event: AddonEvent) => void): number;
  /** Start the launcher if it does not run, and report what it found. Reply event: `ready` or `failed`. */
  ready(sink: number, token: number): void;
  /** Make pipes: -> child ends (kept by the addon until launch) and our ends as fds. */
  openStdio(modes: StdioModes): Stdio;
  /** Close the child ends of an unused `openStdio`. */
  closeStdio(handle: number): void;
  /** Launch a container. `request` is JSON of LaunchRequest. Events: started | failed, then exited. */
  launch(sink: number, token: number, request: string, stdio: number): void;
  /** Start a process in a running container. `request` is JSON of ExecRequest. Events as launch. */
  exec(sink: number, token: number, request: string, stdio: number): void;
  /** Signal what a token of this sink started (by pidfd; with `tree`, all descendants). */
  signal(sink: number, token: number, signal: number, tree: boolean): void;
  /** Apply a layer blob (path) to a directory (path). Events: done | failed. `options` is JSON. */
  applyLayer(sink: number, token: number, blob: string, directory: string, options: string): void;
  /** Remove a directory tree as the id-mapping launcher. Events: done | failed. */
  removeTree(sink: number, token: number, path: string): void;
  /** JSON of the Plan that `launch` would execute. Throws the coded error as launch would. */
  plan(request: string): string;
  /** JSON array of StateEntry for every container below a state root. Synchronous, small. */
  listStates(stateRoot: string): string;
  /** Kill a container of another process by its recorded pid and start time (pidfd-checked). */
  signalState(stateRoot: string, id: string, signal: number): void;
  /** Remove what dead owners left below a state root (lock free): JSON PruneReport. Async via event `done`. */
  prune(sink: number, token: number, stateRoot: string): void;
  /** Run a role of the executable with this process's stdio; event `exited`. Never a shell. */
  runRole(sink: number, token: number, args: string[]): void;
  /** JSON of detected cgroup layout, groups and values; see crates/cgroup. Synchronous file access. */
  cgroup(operation: string): string;
  /** Forget everything of the launcher in a way that tests can see; kills it with SIGKILL. */
  killLauncherForTest(): void;
  /** pid of the launcher, or 0. */
  launcherPid(): number;
}

export interface LauncherOptions {
  /** Absolute path of ctr-runtime. */
  runtimePath: string;
  /** Rootless: id maps of the holder user namespace; absent for root. */
  holder?: {
    /** Lines of uid_map: [inside, outside, count]. */
    uidMap: [number, number, number][];
    gidMap: [number, number, number][];
    /** Absolute paths; absent means: write a single-id map with setgroups=deny ourselves. */
    newuidmap?: string;
    newgidmap?: string;
  };
  /** Absolute directory for the owner's socket: `<runRoot>/owners`. */
  ownerDirectory: string;
}

export type StdioMode = 'pipe' | 'null' | 'inherit';
export interface StdioModes {
  stdin: StdioMode;
  stdout: StdioMode;
  stderr: StdioMode;
}
export interface Stdio {
  handle: number;
  /** Our ends; -1 where the mode is not `pipe`. */
  stdin: number;
  stdout: number;
  stderr: number;
}

/** A ContainerRequest of ctr-spec plus what the state needs. */
export interface LaunchRequest {
  id: string;
  /** Reserved for the container's life; taken names fail with NAME_IN_USE. */
  name?: string;
  /** `<runRoot>`: holds containers/<id>/{lock,config.json,state.json}, names/<name>, owners/. */
  stateRoot: string;
  /** Kept in config.json as `record`, for ps, inspect and explain. Any JSON. */
  record: unknown;
  /** Fields of ctr-spec's ContainerRequest: spec, root, program, user, seccomp, cgroup. */
  container: unknown;
}

export interface NativeExecRequest {
  stateRoot: string;
  id: string;
  /** Fields of ctr-spec's ExecRequest. */
  exec: unknown;
}

export interface NativeFailure {
  code: string;
  message: string;
  step?: string;
  call?: string;
  arguments?: string;
  errno?: number;
  /** For UNSUPPORTED_ENVIRONMENT. */
  probe?: string;
  remedy?: string;
}

export interface Enforcement {
  feature: string;
  requested: string;
  supported: boolean;
  enforced: boolean;
  reason?: string;
}

export type IdMapLine = { containerId: number; hostId: number; size: number };

export type AddonEvent =
  | { token: number; type: 'ready'; uidMap: IdMapLine[]; gidMap: IdMapLine[] }
  | { token: number; type: 'started'; pid: number; enforcement: Enforcement[] }
  | { token: number; type: 'failed'; error: NativeFailure }
  | {
      token: number;
      type: 'exited';
      exitCode: number | null;
      signal: number | null;
      oomKilled: boolean;
      /** `runtime-lost` when the owner died first. */
      reason?: 'runtime-lost';
    }
  | { token: number; type: 'done'; result: unknown };
