/** Docker's notations of mounts: `--volume`, `--tmpfs` and `--mount`. */

import { resolve } from 'node:path';
import { CtrError, parseSize, type TmpfsMount, type VolumeMount } from '@ctr-ts/sdk';

/** What a `--mount` is. */
export type DockerMount = { volume: VolumeMount } | { tmpfs: TmpfsMount };

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

/** Fields of one `--mount`, by the names they have in docker. */
interface Fields {
  type: string;
  source?: string;
  target?: string;
  readOnly: boolean;
  volume: Partial<VolumeMount>;
  tmpfs: Tmpfs;
  /** The first field that only a mount of this type can have. */
  only: Partial<Record<'bind' | 'tmpfs' | 'volume' | 'image', string>>;
}

/** `type=bind|tmpfs,FIELD=VALUE,...`, comma-separated values as in CSV. */
export function parseMount(text: string): DockerMount {
  const fields: Fields = { type: 'volume', readOnly: false, volume: {}, tmpfs: {}, only: {} };
  for (const field of csvFields(text)) {
    const [key = '', value] = field.split(/=(.*)/s);
    takeField(fields, key, value, field);
  }
  const { type, source, target, readOnly, volume, tmpfs, only } = fields;
  if (target === undefined || target === '') {
    throw invalid(`mount ${quote(text)} has no target`, 'add target=PATH');
  }
  const foreign = Object.entries(only).find(([kind]) => kind !== type);
  if (foreign !== undefined) {
    throw invalid(
      `cannot mix ${foreign[1]} with mount type ${type}`,
      `leave it out, or write type=${foreign[0]}`,
    );
  }
  if (type === 'tmpfs') {
    if (source !== undefined) throw invalid('a tmpfs has no source', 'leave source out');
    return { tmpfs: { ...tmpfs, target, readOnly } };
  }
  if (type === 'bind') {
    if (source === undefined || source === '') {
      throw invalid(`bind mount ${quote(text)} has no source`, 'add source=PATH');
    }
    return { volume: { ...volume, source: resolve(source), target, readOnly } };
  }
  if (type === 'volume') {
    throw namedVolume(source ?? target, `--mount type=bind,source=DIR,target=${target}`);
  }
  if (type === 'image') {
    throw new CtrError('NOT_YET', 'mounts of images are not there yet', {
      hint: 'unpack the image and mount its directory: --mount type=bind,source=DIR,target=PATH',
    });
  }
  throw invalid(`unknown mount type ${quote(type)}`, 'types are bind and tmpfs');
}

/** Fields that are true without a value. */
const BARE = ['readonly', 'ro', 'bind-nonrecursive', 'volume-nocopy', 'bind-create-src'];

function takeField(fields: Fields, key: string, given: string | undefined, field: string): void {
  if (given === undefined && !BARE.includes(key)) {
    throw invalid(`mount field ${quote(field)} has no value`, 'write FIELD=VALUE');
  }
  const value = given ?? 'true';
  const kind = /^(bind|tmpfs|volume|image)-/.exec(key)?.[1] as keyof Fields['only'] | undefined;
  if (kind !== undefined) fields.only[kind] ??= key;
  switch (key) {
    case 'type':
      fields.type = value.toLowerCase();
      return;
    case 'source':
    case 'src':
      fields.source = value;
      return;
    case 'target':
    case 'dst':
    case 'destination':
      fields.target = value;
      return;
    case 'readonly':
    case 'ro':
      fields.readOnly = truth(key, value);
      return;
    case 'consistency':
      // For docker on other systems.
      return;
    case 'bind-propagation':
      fields.volume.propagation = value.toLowerCase() as NonNullable<VolumeMount['propagation']>;
      return;
    case 'bind-nonrecursive':
      fields.volume.recursive = !truth(key, value);
      return;
    case 'bind-recursive':
      recursion(fields.volume, value);
      return;
    case 'bind-create-src':
      throw new CtrError('NOT_YET', 'mount field bind-create-src is not there yet', {
        hint: 'make the directory first: mkdir -p DIR',
      });
    case 'tmpfs-size':
      fields.tmpfs.sizeBytes = parseSize(value, 'tmpfs size');
      return;
    case 'tmpfs-mode':
      fields.tmpfs.mode = octal(value);
      return;
    case 'volume-subpath':
    case 'volume-nocopy':
    case 'volume-label':
    case 'volume-driver':
    case 'volume-opt':
    case 'image-subpath':
      // Whatever it says, there are no such mounts yet.
      return;
    default:
      throw invalid(
        `unknown mount field ${quote(key)}`,
        'fields are type, source, target, readonly',
      );
  }
}

function recursion(volume: Partial<VolumeMount>, value: string): void {
  if (value === 'disabled') volume.recursive = false;
  else if (value === 'writable') volume.readOnlyRecursive = false;
  else if (value !== 'enabled' && value !== 'readonly') {
    throw invalid(
      `invalid bind-recursive ${quote(value)}`,
      'write enabled, disabled, writable or readonly',
    );
  }
}

/** The fields of one line of CSV, RFC 4180: a field in quotes may hold commas. */
function csvFields(text: string): string[] {
  const fields = [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))(?=,|$)/g)];
  const length = fields.reduce((sum, [whole]) => sum + whole.length, 0);
  if (length !== text.length || text === '') {
    throw invalid(`invalid mount ${quote(text)}`, 'write type=bind,source=DIR,target=PATH');
  }
  return fields.map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain);
}

function truth(key: string, value: string): boolean {
  if (['1', 't', 'true'].includes(value.toLowerCase())) return true;
  if (['0', 'f', 'false'].includes(value.toLowerCase())) return false;
  throw invalid(`invalid ${key} ${quote(value)}`, 'write true or false');
}

function octal(value: string): number {
  if (/^[0-7]{1,5}$/.test(value)) return Number.parseInt(value, 8);
  throw invalid(`invalid mode ${quote(value)}`, 'write it in octal, for example 1777');
}

function whole(name: string, value: string): number {
  if (/^\d{1,10}$/.test(value)) return Number(value);
  throw invalid(`invalid ${name} ${quote(value)}`, 'write a number');
}

function namedVolume(name: string, instead: string): CtrError {
  return new CtrError('NOT_YET', `named volume ${quote(name)} is not there yet`, {
    hint: `use a directory: ${instead}`,
  });
}

function invalid(message: string, hint: string): CtrError {
  return new CtrError('INVALID_MOUNT', message, { hint });
}

function quote(text: string): string {
  return JSON.stringify(text);
}
