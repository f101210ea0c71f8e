/** What is kept about a container for ps, inspect, explain and exec, by whatever process asks. */

import type { OpenedImage } from './image.ts';
import type { SpecProcess } from './oci.ts';
import type { ContainerOptions, ProcessOptions, TmpfsMount, VolumeMount } from './options.ts';
import type { Settings } from './settings.ts';
import { terminalSize } from './terminal.ts';

/** How a request names its system call policy, as ctr-spec reads it. */
export type SeccompRequest =
  | { kind: 'default' }
  | { kind: 'unconfined' }
  | { kind: 'profile'; profile: unknown };

/** The record in config.json. */
export interface ContainerRecord {
  version: 1;
  /** As people type it. */
  image: string;
  /** Digest of its config, `null` when it is from no registry. */
  imageId: string | null;
  /** PID 1 is our init, which only reaps. */
  init: boolean;
  hostname: string;
  /** The image's, with the container's own over them. */
  labels: Record<string, string>;
  network: 'none' | 'host';
  privileged: boolean;
  readOnly: boolean;
  remove: boolean;
  /** PID 1 has a terminal, which can be attached to. Absent in older records. */
  terminal?: boolean;
  limits: Limits;
  volumes: VolumeMount[];
  tmpfs: TmpfsMount[];
  /** Absent in older records. */
  settings?: Settings;
  /**
   * What an exec starts from. HOME is not in its environment: it depends on the user; nor are TERM
   * and a terminal, which each process has or has not of its own.
   */
  process: SpecProcess;
  user: string | null;
  seccomp: SeccompRequest;
  /** Directory of the writable layer, `null` when it is in memory. */
  writableLayer: string | null;
}

/** Limits of a container; `null` is none. */
export interface Limits {
  cpus: number | null;
  memoryBytes: number | null;
  pidsLimit: number | null;
}

/** The record of a container that is about to be made. */
export function makeRecord(input: {
  options: ContainerOptions & Pick<ProcessOptions, 'terminal'>;
  image: Pick<OpenedImage, 'name' | 'id' | 'defaults'>;
  init: boolean;
  hostname: string;
  process: SpecProcess;
  user: string | undefined;
  writableLayer: string | undefined;
  settings: Settings;
}): ContainerRecord {
  const { options, image, init, hostname, process, user, writableLayer, settings } = input;
  const { cpus, memoryBytes, pidsLimit } = options;
  return {
    version: 1,
    image: image.name,
    imageId: image.id,
    init,
    hostname,
    labels: { ...image.defaults.labels, ...options.labels },
    network: options.network ?? 'none',
    privileged: options.privileged === true,
    readOnly: options.readOnly === true,
    remove: options.remove !== false,
    terminal: terminalSize(options.terminal) !== undefined,
    limits: {
      cpus: cpus ?? null,
      memoryBytes: memoryBytes ?? null,
      pidsLimit: pidsLimit === undefined || pidsLimit === -1 ? null : pidsLimit,
    },
    volumes: options.volumes ?? [],
    tmpfs: options.tmpfs ?? [],
    settings,
    process,
    user: user ?? null,
    seccomp: seccompRequest(options),
    writableLayer: writableLayer ?? null,
  };
}

/** The system call policy the options ask for. */
export function seccompRequest({ seccomp, privileged }: ContainerOptions): SeccompRequest {
  if (seccomp === undefined) return { kind: privileged === true ? 'unconfined' : 'default' };
  if (typeof seccomp === 'string') return { kind: seccomp };
  return { kind: 'profile', profile: seccomp.profile };
}

/** A stored record, or `undefined` when another version (or nobody) wrote it. */
export function readRecord(value: unknown): ContainerRecord | undefined {
  const record = value as Partial<ContainerRecord> | null;
  if (typeof record !== 'object' || record === null || record.version !== 1) return undefined;
  return typeof record.process === 'object' ? (record as ContainerRecord) : undefined;
}
