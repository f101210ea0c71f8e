/**
 * The addon's surface, exactly as crates/node exports it. Nothing here decides anything: JSON in,
 * file descriptors and events out. `Started.pid` is a pid of the addon's own PID namespace, or 0
 * when the process had ended before anyone could look.
 *
 * A function that fails throws an Error whose message is the JSON of a NativeFailure.
 */
export interface Addon {
  /**
   * Say once per OS process where the executable is and how the launcher maps ids; later calls
   * with other values are errors (code `ALREADY_CONFIGURED`), but for `ownerDirectory`, of which
   * the first is kept: one process has one launcher, whatever run roots it uses. Starts nothing.
   */
  configure(options: LauncherOptions): void;
  /**
   * Register the event sink of this JS environment (main thread or worker). Returns its number.
   * Each event arrives as the JSON of an AddonEvent. A sink alone keeps no process alive, and what
   * its environment started is killed when that ends.
   */
  attach(onEvent: (event: string) => void): number;
  /** Start the launcher if it does not run, and report what it found. Reply event: `ready` or `failed`. */
  ready(sink: number, token: number): void;
  /**
   * Make pipes, or a socket to a terminal: -> child ends (kept by the addon until launch) and our
   * ends as fds. `launch` and `exec` want a terminal exactly when their plan says `terminal`.
   */
  openStdio(modes: StdioModes): Stdio;
  /** Close the child ends of an unused `openStdio`. */
  closeStdio(handle: number): void;
  /** Launch a container. `request` is JSON of LaunchRequest. Events: started | failed, then exited. */
  launch(sink: number, token: number, request: string, stdio: number): void;
  /** Start a process in a running container. `request` is JSON of ExecRequest. Events as launch. */
  exec(sink: number, token: number, request: string, stdio: number): void;
  /** Signal what a token of this sink started (by pidfd; with `tree`, all descendants). */
  signal(sink: number, token: number, signal: number, tree: boolean): void;
  /**
   * Set the window size of a token's terminal; its foreground process group gets SIGWINCH. Before
   * `started` the size is kept until then. Without a terminal, or after its end, nothing happens.
   */
  resize(sink: number, token: number, rows: number, columns: number): void;
  /**
   * Leave a container with a terminal to its launcher, which from then on outlives this process
   * until its last such container has ended, and reads (and drops) what the terminal says. One that
   * was attached to is merely let go again; a further process (`exec`) goes on as long as its
   * container does, and nobody can attach to it. Events: detached, the last of its token |
   * detachFailed, after which all is as before.
   */
  detach(sink: number, token: number): void;
  /**
   * Connect to the terminal of a running container of any owner. `request` is JSON of
   * TerminalRequest, `stdio` a terminal's, whose size the terminal gets. Events as launch. One
   * client at a time: `TERMINAL_BUSY`; without a terminal: `NO_TERMINAL`. The end of this process
   * detaches, it ends nothing.
   */
  attachTerminal(sink: number, token: number, request: string, stdio: number): void;
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
  /** Remove the record of a container that has ended, with its name and cgroup; not its layer. */
  removeState(stateRoot: string, id: string): void;
  /** Remove what dead owners left below a state root (lock free). Events: done (PruneReport) | failed. */
  prune(sink: number, token: number, stateRoot: string): void;
  /**
   * Run a role of the executable with this process's environment, working directory and streams,
   * or with those of an `openStdio`. Events: exited | failed. Never a shell.
   */
  runRole(sink: number, token: number, args: string[], stdio?: number): void;
  /**
   * Make the terminal of our own stdin raw, output processing included (Node's setRawMode leaves
   * that on); again where somebody changed it meanwhile. A background job is stopped by the kernel
   * until it is in the foreground. Throws when stdin is no terminal.
   */
  enterRawMode(): void;
  /** Give it back as it was; nothing without an `enterRawMode`. What was typed is kept. */
  leaveRawMode(): void;
  /** An operation on control groups as JSON, see crates/cgroup/src/operation.rs. Synchronous. */
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
  /** Absolute directory for the owner's socket, `<runRoot>/owners`; made with its run root. */
  ownerDirectory: string;
}

export type StdioMode = 'pipe' | 'null' | 'inherit';
export interface StdioModes {
  stdin: StdioMode;
  stdout: StdioMode;
  stderr: StdioMode;
  /** One pseudo-terminal of this size in place of three streams; the modes are not looked at. */
  terminal?: WindowSize;
}

/** Of a terminal, in characters; 1 to 65535 each. */
export interface WindowSize {
  rows: number;
  columns: number;
}

export interface Stdio {
  handle: number;
  /** Our ends; -1 where the mode is not `pipe`. */
  stdin: number;
  stdout: number;
  stderr: number;
  /**
   * Our end of a stream socket that carries the terminal's bytes both ways, or -1. It ends when
   * the last process that holds the terminal has, all output delivered. Half-closing it types the
   * terminal's end-of-file character (nothing in raw mode, where it is a byte like any other).
   */
  terminal: number;
}

/** A ContainerRequest of ctr-spec plus what the state needs. */
export interface LaunchRequest {
  id: string;
  /** Reserved for the container's life; taken names fail with NAME_IN_USE. */
  name?: string;
  /** `<runRoot>`: holds containers/<id>/{lock,config.json,state.json}, names/<name>, owners/. */
  stateRoot: string;
  /** Keep the stopped container's record and writable layer until it is removed. Default false. */
  keep?: boolean;
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

export interface TerminalRequest {
  stateRoot: string;
  /** An id, a name, or the start of an id. */
  id: string;
}

/** A record of the state store; fields of config.json are blank when it cannot be read. */
export interface StateEntry {
  id: string;
  name: string | null;
  /** `dead`: its owner died before it wrote how the container ended. */
  status: 'created' | 'running' | 'stopped' | 'dead';
  /** The container's state directory. */
  directory: string;
  /** The ContainerRequest as launched, for `plan`. */
  request: unknown;
  record: unknown;
  /** Milliseconds since 1970. */
  createdAt: number;
  cgroupDirectories: string[];
  ownerSocket: string | null;
  keep: boolean;
  /** Once its program was executed. */
  pid?: number;
  startTime?: number;
  exit: StateExit | null;
}

export interface StateExit {
  exitCode: number | null;
  signal: number | null;
  oomKilled: boolean;
  /** Milliseconds since 1970. */
  finishedAt: number;
}

/** What `prune` removed. Writable layers that a record names are left to the caller. */
export interface PruneReport {
  containers: { id: string; name: string | null; record: unknown }[];
  names: string[];
  sockets: string[];
  cgroups: string[];
}

/** Options of `applyLayer`. */
export interface LayerOptions {
  compression: 'none' | 'gzip';
  userxattr?: boolean;
  squashOwner?: boolean;
  /**
   * Directories of the layers below, uppermost first: where the parents are that the layer has no
   * entries for. None for the lowest layer.
   */
  lowers?: readonly string[];
}

/** What a layer blob was, the result of `applyLayer`. */
export interface AppliedLayer {
  digest: string;
  diffId: string;
  entries: number;
  bytes: number;
}

export interface NativeFailure {
  code: string;
  message: string;
  hint?: string;
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
  | { token: number; type: 'detached' }
  | { token: number; type: 'detachFailed'; error: NativeFailure }
  | { token: number; type: 'done'; result: unknown };
