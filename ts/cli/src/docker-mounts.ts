/** Docker's short notations of mounts, `--volume` and `--tmpfs`, and what they share with `--mount`. */

import { resolve } from 'node:path';
import { CtrError, parseSize, type TmpfsMount, type VolumeMount } from '@ctr-ts/sdk';

type Volume = Pick<VolumeMount, 'readOnly' | 'propagation' | 'relabel'>;
type Tmpfs = Omit<TmpfsMount, 'target'>;

const VOLUME_WORDS: Readonly<Record<string, Volume>> = {
  ro: { readOnly: true },
  rw: { readOnly: false },
  z: { relabel: 'shared' },
  Z: { relabel: 'private' },
  private: { propagation: 'private' },
  rprivate: { propagation: 'rprivate' },
  slave: { propagation: 'slave' },
  rslave: { propagation: 'rslave' },
  shared: { propagation: 'shared' },
  rshared: { propagation: 'rshared' },
  // Docker's for other systems, without a meaning on this one.
  consistent: {},
  cached: {},
  delegated: {},
  // A directory of the host is never copied into.
  nocopy: {},
};

/** `SRC:DST[:OPTION[,OPTION]]`; a relative SRC must begin with a dot, as in docker. */
export function parseVolume(text: string): VolumeMount {
  const [source = '', target, mode, ...rest] = text.split(':');
  if (target === undefined) {
    throw new CtrError('NOT_YET', `anonymous volume ${quote(text)} is not there yet`, {
      hint: `use --tmpfs ${text}, or --volume ./DIR:${text}`,
    });
  }
  if (source === '' || target === '' || mode === '' || rest.length > 0) {
    throw invalid(`invalid volume ${quote(text)}`, 'write SOURCE:TARGET or SOURCE:TARGET:ro');
  }
  if (!/^[./]/.test(source)) throw namedVolume(source, `--volume ./${source}:${target}`);
  const volume: VolumeMount = { source: resolve(source), target, readOnly: false };
  const seen = new Set<string>();
  for (const word of mode?.split(',') ?? []) {
    const known = Object.hasOwn(VOLUME_WORDS, word) ? VOLUME_WORDS[word] : undefined;
    if (known === undefined) {
      throw invalid(
        `unknown volume option ${quote(word)}`,
        `options are ${Object.keys(VOLUME_WORDS).join(', ')}`,
      );
    }
    for (const field of Object.keys(known)) {
      if (seen.has(field)) {
        throw invalid(`volume options ${quote(mode ?? '')} exclude each other`, 'leave one out');
      }
      seen.add(field);
    }
    Object.assign(volume, known);
  }
  return volume;
}

const TMPFS_WORDS: Readonly<Record<string, Tmpfs>> = {
  rw: { readOnly: false },
  ro: { readOnly: true },
  exec: { exec: true },
  noexec: { exec: false },
  suid: { suid: true },
  nosuid: { suid: false },
  dev: { dev: true },
  nodev: { dev: false },
};

const TMPFS_VALUES: Readonly<Record<string, (value: string) => Tmpfs>> = {
  size: (value) => ({ sizeBytes: parseSize(value, 'tmpfs size') }),
  mode: (value) => ({ mode: octal(value) }),
  uid: (value) => ({ uid: whole('uid', value) }),
  gid: (value) => ({ gid: whole('gid', value) }),
  nr_inodes: (value) => ({ inodes: parseSize(value, 'number of inodes') }),
};

/** `DST[:OPTION[,OPTION]]`, options as of mount(8). */
export function parseTmpfs(text: string): TmpfsMount {
  const [target = '', ...rest] = text.split(':');
  const tmpfs: TmpfsMount = { target };
  for (const option of rest.join(':').split(',').filter(Boolean)) {
    const [name = '', value] = option.split(/=(.*)/s);
    if (value === undefined && Object.hasOwn(TMPFS_WORDS, name)) {
      Object.assign(tmpfs, TMPFS_WORDS[name]);
    } else if (value !== undefined && Object.hasOwn(TMPFS_VALUES, name)) {
      Object.assign(tmpfs, TMPFS_VALUES[name]?.(value));
    } else {
      const names = Object.keys(TMPFS_VALUES).map((known) => `${known}=`);
      throw new CtrError('NOT_YET', `tmpfs option ${quote(option)} is not there yet`, {
        hint: `options are ${[...names, ...Object.keys(TMPFS_WORDS)].join(', ')}`,
      });
    }
  }
  return tmpfs;
}

function whole(name: string, value: string): number {
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw invalid(`invalid ${name} ${quote(value)}`, 'write a number');
}

/** A mode, as in chmod(1). */
export function octal(value: string): number {
  if (/^[0-7]{1,5}$/.test(value)) return Number.parseInt(value, 8);
  throw invalid(`invalid mode ${quote(value)}`, 'write it in octal, for example 1777');
}

/** Docker's volumes with a life of their own. */
export function namedVolume(name: string, instead: string): CtrError {
  return new CtrError('NOT_YET', `named volume ${quote(name)} is not there yet`, {
    hint: `use a directory: ${instead}`,
  });
}

/** A notation that is none. */
export function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_MOUNT', message, { hint });
}

/** Foreign words in a message. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
