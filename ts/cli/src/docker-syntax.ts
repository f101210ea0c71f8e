/** Docker's notations inside flag values: volumes, tmpfs, variables, labels, security options. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ContainerOptions, CtrError, parseSize } from '@ctr-ts/sdk';

type Volume = NonNullable<ContainerOptions['volumes']>[number];
type Tmpfs = NonNullable<ContainerOptions['tmpfs']>[number];
type Security = Pick<ContainerOptions, 'seccomp' | 'noNewPrivileges'>;

/** `SRC:DST[:ro|rw]`; a relative SRC must begin with a dot, as in docker. */
export function parseVolume(text: string): Volume {
  const [source = '', target, mode = 'rw', ...rest] = text.split(':');
  if (target === undefined) {
    throw new CtrError('NOT_YET', `anonymous volume ${quote(text)} is not there yet`, {
      hint: `use --tmpfs ${text}, or --volume ./DIR:${text}`,
    });
  }
  if (source === '' || target === '' || rest.length > 0) {
    throw new CtrError('INVALID_MOUNT', `invalid volume ${quote(text)}`, {
      hint: 'write SOURCE:TARGET or SOURCE:TARGET:ro',
    });
  }
  if (!/^[./]/.test(source)) {
    throw new CtrError('NOT_YET', `named volume ${quote(source)} is not there yet`, {
      hint: `use a directory: --volume ./${source}:${target}`,
    });
  }
  if (mode !== 'ro' && mode !== 'rw') {
    throw new CtrError('INVALID_MOUNT', `unknown volume option ${quote(mode)}`, {
      hint: 'options are ro and rw',
    });
  }
  return { source: resolve(source), target, readOnly: mode === 'ro' };
}

/** `DST[:size=SIZE]`. */
export function parseTmpfs(text: string): Tmpfs {
  const [target = '', options = '', ...rest] = text.split(':');
  const tmpfs: Tmpfs = { target };
  for (const option of [options, ...rest].join(':').split(',').filter(Boolean)) {
    const [name, value = ''] = option.split(/=(.*)/s);
    // Every tmpfs of ours is writable, nosuid and nodev: saying so changes nothing.
    if (name === 'size') tmpfs.sizeBytes = parseSize(value, 'tmpfs size');
    else if (!['rw', 'nosuid', 'nodev'].includes(option)) {
      throw new CtrError('NOT_YET', `tmpfs option ${quote(option)} is not there yet`, {
        hint: 'options are size=SIZE, rw, nosuid and nodev',
      });
    }
  }
  return tmpfs;
}

/** `NAME=VALUE`, or `NAME` for the caller's own value; a NAME the caller has not is left out. */
export function parseEnv(
  texts: readonly string[],
  callerEnv: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const text of texts) {
    const [name = '', given] = text.split(/=(.*)/s);
    if (name === '') {
      throw new CtrError('INVALID_ARGUMENT', `invalid environment variable ${quote(text)}`, {
        hint: 'write NAME=VALUE, or NAME to take it from here',
      });
    }
    const value = given ?? callerEnv[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** `NAME[=VALUE]`. */
export function parseLabels(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const [name = '', value = ''] = text.split(/=(.*)/s);
      if (name !== '') return [name, value];
      throw new CtrError('INVALID_ARGUMENT', `invalid label ${quote(text)}`, {
        hint: 'write NAME=VALUE',
      });
    }),
  );
}

/** `seccomp=FILE|unconfined` and `no-new-privileges[=true|false]`; docker's older `:` is read too. */
export function parseSecurityOptions(texts: readonly string[]): Security {
  const security: Security = {};
  for (const text of texts) {
    const [name = '', value = 'true'] = text.split(/[=:](.*)/s);
    if (name === 'seccomp') security.seccomp = seccompOption(value);
    else if (name === 'no-new-privileges' && (value === 'true' || value === 'false')) {
      security.noNewPrivileges = value === 'true';
    } else if (
      ['apparmor', 'label', 'systempaths', 'writable-cgroups', 'proc-opts'].includes(name)
    ) {
      throw new CtrError('NOT_YET', `security option ${quote(name)} is not there yet`, {
        hint: 'leave it out; options are seccomp and no-new-privileges',
      });
    } else {
      throw new CtrError('INVALID_ARGUMENT', `unknown security option ${quote(text)}`, {
        hint: 'options are seccomp=FILE, seccomp=unconfined and no-new-privileges',
      });
    }
  }
  return security;
}

/** `none` or `host`; docker's other networks are not there yet. */
export function parseNetwork(text: string): 'none' | 'host' {
  if (text === 'none' || text === 'host') return text;
  throw new CtrError('NOT_YET', `network ${quote(text)} is not there yet`, {
    hint: 'use --network host to reach and be reached, or --network none',
  });
}

/** `missing`, `always` or `never`. */
export function parsePullPolicy(text: string): NonNullable<ContainerOptions['pull']> {
  if (text === 'missing' || text === 'always' || text === 'never') return text;
  throw new CtrError('INVALID_ARGUMENT', `unknown pull policy ${quote(text)}`, {
    hint: 'policies are missing, always and never',
  });
}

function seccompOption(value: string): NonNullable<ContainerOptions['seccomp']> {
  if (value === 'unconfined') return 'unconfined';
  if (value === 'builtin' || value === 'default') return 'default';
  return { profile: readProfile(resolve(value)) };
}

function readProfile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CtrError('FILE_NOT_FOUND', `cannot read seccomp profile ${path}`, {
      hint: 'give a readable JSON file, or seccomp=unconfined',
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CtrError('INVALID_PROFILE', `seccomp profile ${path} is not JSON`, {
      hint: "give a profile in docker's or OCI's JSON format",
      cause,
    });
  }
}

function quote(text: string): string {
  return JSON.stringify(text);
}
