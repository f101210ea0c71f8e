/** What a caller of the SDK can ask for. */

import type { DeviceOptions } from './devices.ts';
import type { NameOptions } from './etc-files.ts';
import type { TmpfsMount, VolumeMount } from './mount-options.ts';
import type { NamespaceOptions } from './namespaces.ts';
import type { PullEvent } from './pull.ts';
import type { ResourceOptions } from './resources.ts';
import type { Ulimits } from './ulimits.ts';

export type { TmpfsMount, VolumeMount } from './mount-options.ts';

import type { TerminalOption, TerminalSize } from './terminal.ts';

/** Where ctr-ts keeps its files; the defaults follow the FHS for root and XDG for others. */
export interface EngineOptions {
  /** Images and writable layers. Default: /var/lib/ctr-ts, or ~/.local/share/ctr-ts. */
  dataRoot?: string | undefined;
  /** Records and sockets of live containers. Default: /run/ctr-ts, or $XDG_RUNTIME_DIR/ctr-ts. */
  runRoot?: string | undefined;
}

/** System call policy: our default, none, or a profile in docker's or OCI's JSON format. */
export type SeccompOption = 'default' | 'unconfined' | { profile: unknown };

/** What stands in for PID 1, its environment and identity when the caller does not say. */
export interface ImageDefaults {
  env?: readonly string[] | undefined;
  entrypoint?: readonly string[] | undefined;
  command?: readonly string[] | undefined;
  user?: string | undefined;
  workdir?: string | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  stopSignal?: string | undefined;
}

/** A container. Everything but `image` has a default. */
export interface ContainerOptions
  extends NameOptions,
    DeviceOptions,
    NamespaceOptions,
    ResourceOptions {
  /**
   * An image of a registry (`alpine`, `ghcr.io/owner/name:tag`, `name@sha256:...`) or of the store by
   * id, `host:`, `rootfs:DIR`, or `oci:DIR[:TAG]`.
   */
  image: string;
  /**
   * When a registry is asked for the image: if the store has none for this machine (`'missing'`, the
   * default), always, or never. Other sources are read as they are.
   */
  pull?: 'missing' | 'always' | 'never' | undefined;
  /** Called for each event while the image is pulled. */
  onPull?: ((event: PullEvent) => void) | undefined;
  /** For example `linux/amd64`. Only this machine's platform runs; any other is refused. */
  platform?: string | undefined;
  /** argv of PID 1. Default: the image's own for `run()`, an idle init for `Container.create()`. */
  command?: string[] | undefined;
  /** Replaces the image's entrypoint; an empty array removes it. */
  entrypoint?: string[] | undefined;
  /** A name to find it by, unique among containers that exist. */
  name?: string | undefined;
  /** Default: the first 12 characters of the id; the host's with its network or UTS namespace. */
  hostname?: string | undefined;
  /** NIS domain name, setdomainname(2). */
  domainname?: string | undefined;
  /** Added to the image's environment. Nothing of the caller's environment is passed on. */
  env?: Record<string, string> | undefined;
  /** Absolute path in the container. Default: the image's, else `/`. */
  workdir?: string | undefined;
  /** `USER[:GROUP]`, names or numbers of the image. Default: the image's, else root. */
  user?: string | undefined;
  /** Supplementary groups, names or numbers of the image, beside those of the user. */
  groupAdd?: string[] | undefined;
  /**
   * PID 1 is our init: it starts the command as its child, passes signals on, reaps, and ends as
   * the command does.
   */
  init?: boolean | undefined;
  volumes?: VolumeMount[] | undefined;
  tmpfs?: TmpfsMount[] | undefined;
  /** Size of /dev/shm. Default 64 MiB. */
  shmSizeBytes?: number | undefined;
  /** Refuse writes to the root file system. */
  readOnly?: boolean | undefined;
  /** Every capability, no system call filter, nothing masked. Not a sandbox any more. */
  privileged?: boolean | undefined;
  /** Names of capabilities(7), with or without `CAP_`; `ALL` is every one. */
  capAdd?: string[] | undefined;
  /** As `capAdd`. */
  capDrop?: string[] | undefined;
  /** Default `'default'`; `'unconfined'` when privileged. */
  seccomp?: SeccompOption | undefined;
  /** Set-id programs gain nothing. Default false, as in docker. */
  noNewPrivileges?: boolean | undefined;
  /** `unconfined`: nothing of /proc and /sys is masked or made read-only. Default `hidden`. */
  systemPaths?: 'hidden' | 'unconfined' | undefined;
  /** `none` (default): a network of its own with only `lo`. `host`: the caller's. */
  network?: 'none' | 'host' | undefined;
  /** Processors' worth of time, for example 0.5. */
  cpus?: number | undefined;
  /** Memory limit in bytes, swap included where the kernel accounts it. */
  memoryBytes?: number | undefined;
  /** Most processes and threads; -1 is no limit. */
  pidsLimit?: number | undefined;
  /** Resource limits of its processes, getrlimit(2). */
  ulimits?: Ulimits | undefined;
  /** Kernel parameters of its own namespaces, for example `net.ipv4.ip_forward`. */
  sysctls?: Record<string, string> | undefined;
  /** How readily it is killed when memory is short, -1000 to 1000. Lowering it needs privilege. */
  oomScoreAdj?: number | undefined;
  /** What asks it to end. Default: the image's, else SIGTERM. */
  stopSignal?: string | undefined;
  /** How long it may take to end after that; -1 is for ever. */
  stopTimeoutMs?: number | undefined;
  /** Added to the image's labels. */
  labels?: Record<string, string> | undefined;
  /** As labels, and in the OCI configuration. */
  annotations?: Record<string, string> | undefined;
  /** Ports it serves, as `8080`, `53/udp` or `7000-7010`: kept as data, nothing is opened. */
  exposedPorts?: string[] | undefined;
  /** Absolute path of a file for the id: written before the start, gone when that fails. */
  cidFile?: string | undefined;
  /** `host:` only: show the calling Node under /opt/node. Default true. */
  node?: boolean | undefined;
  /** Leave nothing behind when it ends. Default true; false keeps record and writable layer. */
  remove?: boolean | undefined;
  engine?: EngineOptions | undefined;
}

/** What becomes of one standard stream. */
export type StreamMode = 'pipe' | 'inherit' | 'null';

/** Per stream; default `'pipe'`. An explicit stdin pipe stays open until the caller ends it. */
export interface StdioOption {
  stdin?: StreamMode | undefined;
  stdout?: StreamMode | undefined;
  stderr?: StreamMode | undefined;
}

/** How a process is connected to its caller. */
export interface ProcessOptions {
  /** Default `'pipe'`. `'inherit'` uses the caller's own streams. */
  stdio?: 'pipe' | 'inherit' | StdioOption | undefined;
  /**
   * Connects the process to a pseudo-terminal of its own in place of three streams: `stdin` and
   * `stdout` are its two directions, `stderr` is null, and the result's `stdout` has what it
   * showed. Ending `stdin` types the end-of-file character, and as without a terminal a `stdin`
   * that nobody takes right after the call is ended. Cannot be combined with `stdio`.
   */
  terminal?: TerminalOption | undefined;
  /** Written to the process's stdin, which is then closed. */
  stdin?: string | Uint8Array | undefined;
  /** What `stdout` and `stderr` of the result are. Default `'utf8'`. */
  encoding?: 'utf8' | 'bytes' | undefined;
  /** Most bytes kept of each stream; the rest is read and dropped (`truncated`). Default 16 MiB. */
  maxOutputBytes?: number | undefined;
  /** Kills the process and all it started; the result rejects with `ABORTED`. */
  signal?: AbortSignal | undefined;
  /** Kills the process and all it started after this many milliseconds (`timedOut`). */
  timeoutMs?: number | undefined;
}

/** How {@link Container.attach} connects to a container's terminal. */
export type AttachOptions = Pick<ProcessOptions, 'encoding' | 'maxOutputBytes'> & {
  /** What the terminal's window becomes. Default 80 columns and 24 rows. */
  terminal?: TerminalSize | undefined;
  /** Lets the container go again; the result rejects with `ABORTED`. */
  signal?: AbortSignal | undefined;
};

/** What {@link Container.exec} can change of what the container itself runs with. */
export interface ExecOptions {
  /** Added to the container's environment. */
  env?: Record<string, string> | undefined;
  /** Absolute path in the container. Default: the container's. */
  workdir?: string | undefined;
  /** `USER[:GROUP]`. Default: the container's. */
  user?: string | undefined;
  /** Every capability and no system call filter. */
  privileged?: boolean | undefined;
}
