/** Which containers exist: the records of every process of this user, as values. */

import { existsSync } from 'node:fs';

import type { Core, StateEntry } from './core.ts';
import { CtrError } from './errors.ts';
import type { Exit } from './launch.ts';
import type { TmpfsMount, VolumeMount } from './options.ts';
import { type ContainerRecord, type Limits, readRecord } from './record.ts';
import type { Settings } from './settings.ts';
import { signalName } from './signals.ts';

/** `dead`: its owner died before it could write down how the container ended. */
export type ContainerStatus = 'created' | 'running' | 'stopped' | 'dead';

/** What is known about a container. JSON-safe. */
export interface ContainerInfo {
  id: string;
  name: string | null;
  /** The image as people type it. */
  image: string;
  /** Digest of its config, `null` when it is from no registry. */
  imageId: string | null;
  /** argv of PID 1; empty when it is our idle init. */
  command: string[];
  status: ContainerStatus;
  /** ISO 8601. */
  createdAt: string;
  /** PID 1 as the host sees it, `null` unless it runs. */
  pid: number | null;
  /** How it ended, `null` until then. */
  exit: ContainerExit | null;
  hostname: string;
  user: string | null;
  workdir: string;
  env: string[];
  /** The image's, with the container's own over them. */
  labels: Record<string, string>;
  network: 'none' | 'host';
  privileged: boolean;
  readOnly: boolean;
  /** PID 1 has a terminal, which can be attached to. */
  terminal: boolean;
  limits: Limits;
  volumes: VolumeMount[];
  tmpfs: TmpfsMount[];
  /** All else it was asked to be; `null` where the record is of an older version. */
  settings: Settings | null;
  /** Directories of its cgroup that are there, one per hierarchy in use. */
  cgroups: string[];
  /** Its writable layer on disk, `null` when in memory. */
  writableLayer: string | null;
}

/** How and when a container ended. */
export interface ContainerExit extends Exit {
  /** ISO 8601. */
  finishedAt: string;
}

/**
 * The entry whose id or name this is, or whose id begins so.
 *
 * @throws CtrError `CONTAINER_NOT_FOUND`, `CONTAINER_AMBIGUOUS`
 */
export function findState(core: Core, stateRoot: string, idOrName: string): StateEntry {
  const entries = core.listStates(stateRoot);
  const exact =
    entries.find((entry) => entry.id === idOrName) ??
    entries.find((entry) => entry.name === idOrName);
  if (exact !== undefined) return exact;
  const fitting = idOrName === '' ? [] : entries.filter((entry) => entry.id.startsWith(idOrName));
  const [entry, second] = fitting;
  if (second !== undefined) {
    throw new CtrError(
      'CONTAINER_AMBIGUOUS',
      `${fitting.length} containers begin with ${idOrName}`,
      {
        hint: 'give more characters of the id',
      },
    );
  }
  if (entry !== undefined) return entry;
  throw new CtrError('CONTAINER_NOT_FOUND', `no container ${JSON.stringify(idOrName)}`, {
    hint: 'ctr-ts ps -a lists the containers of this user',
  });
}

/** The entry of one container, `undefined` when nothing is left of it. */
export function stateOf(core: Core, stateRoot: string, id: string): StateEntry | undefined {
  return core.listStates(stateRoot).find((entry) => entry.id === id);
}

/**
 * The record of an entry.
 *
 * @throws CtrError `INTERNAL` when it cannot be read
 */
export function recordOf(entry: StateEntry): ContainerRecord {
  const record = readRecord(entry.record);
  if (record !== undefined) return record;
  throw new CtrError('INTERNAL', `cannot read the record of container ${entry.id}`, {
    hint: 'it was made by another version; ctr-ts rm -f removes it',
  });
}

/** What an entry says, with blanks where its record cannot be read. */
export function describe(entry: StateEntry): ContainerInfo {
  const record = readRecord(entry.record);
  const { status } = entry;
  return {
    id: entry.id,
    name: entry.name ?? null,
    image: record?.image ?? '',
    imageId: record?.imageId ?? null,
    command: record === undefined || record.init ? [] : record.process.args,
    status,
    createdAt: new Date(entry.createdAt).toISOString(),
    pid: status === 'running' ? (entry.pid ?? null) : null,
    exit: describeExit(entry),
    hostname: record?.hostname ?? '',
    user: record?.user ?? null,
    workdir: record?.process.cwd ?? '/',
    env: record?.process.env ?? [],
    labels: record?.labels ?? {},
    network: record?.network ?? 'none',
    privileged: record?.privileged ?? false,
    readOnly: record?.readOnly ?? false,
    terminal: record?.terminal ?? false,
    limits: record?.limits ?? { cpus: null, memoryBytes: null, pidsLimit: null },
    volumes: record?.volumes ?? [],
    tmpfs: record?.tmpfs ?? [],
    settings: record?.settings ?? null,
    cgroups: entry.cgroupDirectories.filter((directory) => existsSync(directory)),
    writableLayer: record?.writableLayer ?? null,
  };
}

function describeExit({ exit }: StateEntry): ContainerExit | null {
  if (exit === null || exit === undefined) return null;
  return {
    exitCode: exit.exitCode,
    signal: signalName(exit.signal),
    oomKilled: exit.oomKilled,
    finishedAt: new Date(exit.finishedAt).toISOString(),
  };
}
