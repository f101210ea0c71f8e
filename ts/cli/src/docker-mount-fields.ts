/** Docker's long notation of a mount: `--mount`, fields on one line of CSV. */

import { resolve } from 'node:path';
import { CtrError, parseSize, type TmpfsMount, type VolumeMount } from '@ctr-ts/sdk';
import { invalid, namedVolume, octal, quote } from './docker-mounts.ts';

/** What a `--mount` is. */
export type DockerMount = { volume: VolumeMount } | { tmpfs: TmpfsMount };

/** Fields of one `--mount`, by the names they have in docker. */
interface Fields {
  type: string;
  source?: string;
  target?: string;
  readOnly: boolean;
  volume: Partial<VolumeMount>;
  tmpfs: Omit<TmpfsMount, 'target'>;
  /** Values of `bind-recursive` that only a read-only mount can have. */
  readOnlyOnly: string[];
  /** The first field that only a mount of this type can have. */
  only: Partial<Record<'bind' | 'tmpfs' | 'volume' | 'image', string>>;
}

/** `type=bind|tmpfs,FIELD=VALUE,...`, comma-separated values as in CSV. */
export function parseMount(text: string): DockerMount {
  const fields: Fields = {
    type: 'volume',
    readOnly: false,
    volume: {},
    tmpfs: {},
    readOnlyOnly: [],
    only: {},
  };
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
    checkRecursion(fields);
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
      takeRecursion(fields, value);
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

function takeRecursion({ volume, readOnlyOnly }: Fields, value: string): void {
  if (value === 'enabled') return;
  if (value === 'disabled') volume.recursive = false;
  else if (value === 'writable' || value === 'readonly') {
    if (value === 'writable') volume.readOnlyRecursive = false;
    readOnlyOnly.push(value);
  } else {
    throw invalid(
      `invalid bind-recursive ${quote(value)}`,
      'write enabled, disabled, writable or readonly',
    );
  }
}

/**
 * SECURITY: `bind-recursive=readonly` alone reads as a read-only mount and is none. Docker asks for
 * the words that make it one; so do we, before anything is mounted.
 */
function checkRecursion({ readOnly, readOnlyOnly, volume }: Fields): void {
  for (const value of readOnlyOnly) {
    const needs = (words: string): CtrError =>
      invalid(
        `option 'bind-recursive=${value}' requires '${words}' to be specified in conjunction`,
        `add ${words}, or leave bind-recursive out`,
      );
    if (!readOnly) throw needs('readonly');
    if (value === 'writable') continue;
    if (volume.propagation !== 'rprivate') throw needs('bind-propagation=rprivate');
    if (volume.recursive === false || volume.readOnlyRecursive === false) {
      throw invalid(
        "option 'bind-recursive=readonly' is for all that is mounted below too",
        'leave the other word about recursion out',
      );
    }
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
