/** Docker's notations inside flag values: variables, labels, namespaces, security options. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ContainerOptions, CtrError } from '@ctr-ts/sdk';
import { readEntries } from './docker-files.ts';

type Security = Pick<ContainerOptions, 'seccomp' | 'noNewPrivileges' | 'systemPaths'>;
type Namespaces = Pick<ContainerOptions, 'ipc' | 'uts' | 'cgroupns' | 'userns'>;

/**
 * `NAME=VALUE`, or `NAME` for the caller's own value; a NAME the caller has not is left out. What
 * stands on the line wins over what stands in a file.
 */
export function parseEnv(
  texts: readonly string[],
  callerEnv: Readonly<Record<string, string | undefined>>,
  files: readonly string[] = [],
): Record<string, string> {
  // A Map: any name may be set, also one that every object of JavaScript has.
  const env = new Map<string, string>();
  const set = (name: string, given: string | undefined): void => {
    const value = given ?? (Object.hasOwn(callerEnv, name) ? callerEnv[name] : undefined);
    if (value !== undefined) env.set(name, value);
  };
  for (const [name, given] of files.flatMap((file) => readEntries(file, 'environment file'))) {
    set(name, given);
  }
  for (const text of texts) {
    const [name = '', given] = text.split(/=(.*)/s);
    if (name === '') {
      throw new CtrError('INVALID_ARGUMENT', `invalid environment variable ${quote(text)}`, {
        hint: 'write NAME=VALUE, or NAME to take it from here',
      });
    }
    set(name, given);
  }
  return Object.fromEntries(env);
}

/** `NAME[=VALUE]`; what stands on the line wins over what stands in a file. */
export function parseLabels(
  texts: readonly string[],
  files: readonly string[] = [],
  what = 'label',
): Record<string, string> {
  const read = files.flatMap((file) => readEntries(file, 'label file'));
  const given = texts.map((text) => {
    const [name = '', value = ''] = text.split(/=(.*)/s);
    if (name !== '') return [name, value] as const;
    throw new CtrError('INVALID_ARGUMENT', `invalid ${what} ${quote(text)}`, {
      hint: 'write NAME=VALUE',
    });
  });
  return Object.fromEntries([...read.map(([name, value = '']) => [name, value]), ...given]);
}

/** What is so anyway: nothing is labelled, nothing is confined by a profile. */
const SECURITY_AS_IT_IS: readonly string[] = [
  ...['label=disable', 'label:disable', 'apparmor=unconfined', 'apparmor:unconfined'],
];

/**
 * `seccomp=FILE|unconfined`, `no-new-privileges[=true|false]`, `systempaths=unconfined`; docker's
 * older `:` is read too.
 */
export function parseSecurityOptions(texts: readonly string[]): Security {
  const security: Security = {};
  for (const text of texts) {
    const [name = '', value = 'true'] = text.split(/[=:](.*)/s);
    if (name === 'seccomp') security.seccomp = seccompOption(value);
    else if (name === 'no-new-privileges' && (value === 'true' || value === 'false')) {
      security.noNewPrivileges = value === 'true';
    } else if (name === 'systempaths' && value === 'unconfined') {
      security.systemPaths = 'unconfined';
    } else if (!SECURITY_AS_IT_IS.includes(text)) throw refusedSecurity(name, text);
  }
  return security;
}

/** Security options that are not there yet, each with what to do instead. */
const SECURITY_NOT_YET: Readonly<Record<string, string>> = {
  apparmor: 'no profile is loaded or applied; apparmor=unconfined is what is so',
  label: 'nothing is labelled for SELinux; label=disable is what is so',
  'writable-cgroups': 'leave it out; the container could raise its own limits',
  'proc-opts': 'leave it out; systempaths=unconfined shows all of /proc',
  mask: 'leave it out; mount over the path: --tmpfs PATH',
  unmask: 'use systempaths=unconfined',
};

function refusedSecurity(name: string, text: string): CtrError {
  const reason = Object.hasOwn(SECURITY_NOT_YET, name) ? SECURITY_NOT_YET[name] : undefined;
  if (reason !== undefined) {
    return new CtrError('NOT_YET', `security option ${quote(text)} is not there yet`, {
      hint: reason,
    });
  }
  return new CtrError('INVALID_ARGUMENT', `unknown security option ${quote(text)}`, {
    hint: 'options are seccomp=FILE, seccomp=unconfined, no-new-privileges, systempaths=unconfined',
  });
}

const OTHER_CONTAINERS = 'leave it out; namespaces of another container are not joined yet';

/** Modes of namespaces that are not there yet, each with what to do instead. */
const NAMESPACES_NOT_YET: Readonly<Record<string, string>> = {
  pid: 'leave it out; the owner of containers is in a PID namespace of its own, the host is not in sight',
  userns: 'leave it out; root keeps its ids, others get all that are theirs',
  ipc: OTHER_CONTAINERS,
  uts: 'leave it out; write --uts host or a --hostname',
  cgroupns: 'leave it out; write --cgroupns host or private',
};

/** `--ipc`, `--uts`, `--cgroupns`, `--userns` and `--pid`; an empty one is the default. */
export function parseNamespaces(
  flags: Readonly<
    Partial<Record<'ipc' | 'uts' | 'cgroupns' | 'userns' | 'pid', string | undefined>>
  >,
): Namespaces {
  const modes: Namespaces = {};
  for (const [name, text] of Object.entries(flags)) {
    if (text === undefined || text === '' || (name === 'pid' && text === 'private')) continue;
    if (name === 'ipc' && ['private', 'host', 'none'].includes(text)) {
      modes.ipc = text as 'private' | 'host' | 'none';
    } else if ((name === 'uts' || name === 'cgroupns') && ['private', 'host'].includes(text)) {
      modes[name] = text as 'private' | 'host';
    } else if (name === 'userns' && text === 'host') {
      modes.userns = 'host';
    } else {
      throw new CtrError('NOT_YET', `--${name} ${quote(text)} is not there yet`, {
        hint: text.startsWith('container:') ? OTHER_CONTAINERS : (NAMESPACES_NOT_YET[name] ?? ''),
      });
    }
  }
  return modes;
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
