/**
 * Credentials that other tools have stored: docker's config.json and containers-auth.json(5).
 * Only `auths` entries; helper programs are not asked, but who they are is told.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { failedWith, fileError } from '../file-error.ts';
import { Json } from '../oci/json.ts';

export interface Credentials {
  username: string;
  password: string;
}

/** Credentials that may be there, but with a program that is not asked. */
export interface KeptByHelper {
  /** `docker-credential-desktop` */
  helper: string;
}

/** What is known for a registry, named as in a reference: `docker.io`, `localhost:5000`. */
export type CredentialSource = (
  registry: string,
) => Promise<Credentials | KeptByHelper | undefined>;

/**
 * The credentials of docker and podman. `$REGISTRY_AUTH_FILE` alone if it is set; else the first
 * that has an entry of `$DOCKER_CONFIG/config.json` (`~/.docker/config.json`) and
 * `$XDG_RUNTIME_DIR/containers/auth.json`. Where none has, the first helper program that one names.
 *
 * The source throws CtrError `INVALID_ARGUMENT` for a file that is not as it should be.
 */
export function dockerCredentials(env: Readonly<NodeJS.ProcessEnv>): CredentialSource {
  const files = filesOf(env);
  return async (registry) => {
    let kept: KeptByHelper | undefined;
    for (const file of files) {
      const found = await credentialsIn(file, registry);
      if (found !== undefined && 'username' in found) return found;
      kept ??= found;
    }
    return kept;
  };
}

function filesOf(env: Readonly<NodeJS.ProcessEnv>): string[] {
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, HOME, XDG_RUNTIME_DIR } = env;
  if (REGISTRY_AUTH_FILE) return [REGISTRY_AUTH_FILE];
  return [
    ...(DOCKER_CONFIG ? [join(DOCKER_CONFIG, 'config.json')] : []),
    ...(!DOCKER_CONFIG && HOME ? [join(HOME, '.docker', 'config.json')] : []),
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'containers', 'auth.json')] : []),
  ];
}

async function credentialsIn(
  file: string,
  registry: string,
): Promise<Credentials | KeptByHelper | undefined> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    if (failedWith(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw fileError('read', file, cause);
  });
  if (text === undefined || text.trim() === '') return undefined;
  try {
    const config = Json.parse(text, file);
    const auths = config.field('auths');
    const key = auths.keys().find((name) => hostOf(name) === registry);
    const found = key === undefined ? undefined : entryOf(auths.field(key));
    return found ?? helperOf(config, registry);
  } catch (cause) {
    if (!(cause instanceof CtrError)) throw cause;
    throw new CtrError('INVALID_ARGUMENT', cause.message, {
      cause,
      hint: `correct ${file}, or name another one: REGISTRY_AUTH_FILE=FILE`,
    });
  }
}

/** Entries are hosts, or addresses as docker once wrote them: `https://index.docker.io/v1/`. */
function hostOf(name: string): string | undefined {
  const [, host = '', path = ''] = /^(?:https?:\/\/)?([^/]*)(\/.*)?$/.exec(name) ?? [];
  if (!['', '/', '/v1', '/v1/', '/v2', '/v2/'].includes(path)) return undefined;
  return ['index.docker.io', 'registry-1.docker.io'].includes(host) ? 'docker.io' : host;
}

/** The registry's own helper, or the one for all others. */
function helperOf(config: Json, registry: string): KeptByHelper | undefined {
  const helpers = config.field('credHelpers');
  const key = helpers.keys().find((name) => hostOf(name) === registry);
  const name =
    (key === undefined ? undefined : helpers.field(key).optionalString()) ??
    config.field('credsStore').optionalString() ??
    '';
  return name === '' ? undefined : { helper: `docker-credential-${name}` };
}

/** An entry without a password stands for one that a helper program keeps. */
function entryOf(entry: Json): Credentials | undefined {
  const auth = entry.field('auth').optionalString() ?? '';
  if (auth === '') {
    const username = entry.field('username').optionalString() ?? '';
    const password = entry.field('password').optionalString() ?? '';
    return username === '' ? undefined : { username, password };
  }
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon <= 0) {
    throw new CtrError('INVALID_ARGUMENT', `read ${entry.path}.auth: not base64 of USER:PASSWORD`);
  }
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
}
