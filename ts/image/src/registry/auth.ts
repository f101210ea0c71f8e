/**
 * Authorization for one repository: the distribution project's token flow
 * (https://distribution.github.io/distribution/spec/auth/token/) and HTTP Basic.
 */

import { CtrError } from '@ctr-ts/native';
import { Json } from '../oci/json.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { CredentialSource, Credentials, KeptByHelper } from './credentials.ts';
import { loginHint } from './login-hint.ts';
import { isLoopback } from './loopback.ts';
import { discard, type Exchange, readBody } from './network.ts';
import { follow } from './redirect.ts';
import { refusal } from './refusal.ts';

export interface AuthorizerOptions {
  /** As the user named it. */
  registry: string;
  /** What is asked for when the registry does not say. */
  scope: string;
  credentials: CredentialSource | undefined;
  request: Pick<Exchange, 'limits' | 'signal'>;
}

const MAX_TOKEN_BYTES = 1024 * 1024;

/** Answers a registry's challenges. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  /** Challenge, in a form that can be compared -> authorization. */
  readonly #answers = new Map<string, Promise<string>>();
  #latest: string | undefined;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /** What the next request should carry. */
  get authorization(): string | undefined {
    return this.#latest;
  }

  /** What to do when the registry refuses in spite of all that. */
  async hint(): Promise<string> {
    const { registry, credentials } = this.#options;
    return loginHint(registry, await credentials?.(registry));
  }

  /**
   * Answers the challenge to a request that carried `used`.
   *
   * @throws CtrError `REGISTRY_UNAUTHORIZED`, `REGISTRY_ERROR`, `REGISTRY_UNREACHABLE`
   */
  async answer(origin: URL, header: string | null, used: string | undefined): Promise<string> {
    const challenge = this.#choose(origin, header);
    const key = JSON.stringify([challenge.scheme, challenge.parameters]);
    let known = this.#answers.get(key);
    // One that did not help is used up: a token has expired, or it never was enough.
    if (known !== undefined && (await known.catch(() => undefined)) === used) known = undefined;
    // Meanwhile another request may have begun to fetch the next.
    const current = this.#answers.get(key);
    if (known === undefined && current !== undefined && (await settled(current)) !== used) {
      known = current;
    }
    if (known === undefined) {
      known = this.#fetch(origin, challenge);
      this.#answers.set(key, known);
      known.catch(() => this.#answers.delete(key));
    }
    this.#latest = await known;
    return this.#latest;
  }

  #choose(origin: URL, header: string | null): Challenge {
    const challenges = header === null ? [] : parseChallenges(header);
    if (challenges === undefined)
      throw broken(origin, `no valid challenge: ${short(header ?? '')}`);
    const chosen =
      challenges.find(({ scheme }) => scheme === 'bearer') ??
      challenges.find(({ scheme }) => scheme === 'basic');
    if (chosen !== undefined) return chosen;
    throw new CtrError('REGISTRY_UNAUTHORIZED', `log in at ${origin.host}: it says no way to`, {
      hint: 'is this a registry? check its name',
    });
  }

  async #fetch(origin: URL, challenge: Challenge): Promise<string> {
    const { registry, credentials } = this.#options;
    const found = await credentials?.(registry);
    if (challenge.scheme === 'bearer')
      return `Bearer ${await this.#token(origin, challenge, found)}`;
    if (found !== undefined && 'username' in found) return basic(found);
    throw new CtrError('REGISTRY_UNAUTHORIZED', `log in at ${registry}: it wants credentials`, {
      hint: loginHint(registry, found),
    });
  }

  async #token(
    origin: URL,
    { parameters }: Challenge,
    found: Credentials | KeptByHelper | undefined,
  ): Promise<string> {
    const credentials = found !== undefined && 'username' in found ? found : undefined;
    const { registry, scope, request } = this.#options;
    const realm = realmOf(origin, parameters['realm']);
    const { service } = parameters;
    if (service !== undefined) realm.searchParams.set('service', service);
    realm.searchParams.set('scope', parameters['scope'] ?? scope);
    if (credentials !== undefined) realm.searchParams.set('account', credentials.username);
    const authorization = credentials && basic(credentials);
    const response = await follow(realm, authorization, { ...request, headers: {} });
    if (response.status === 401 || response.status === 403) {
      await discard(response);
      const what = `log in at ${registry}: ${realm.host} answers ${response.status}`;
      throw new CtrError('REGISTRY_UNAUTHORIZED', what, {
        hint:
          credentials === undefined
            ? loginHint(registry, found)
            : `it does not accept what is known of ${credentials.username}: log in again`,
      });
    }
    if (response.status === 404) {
      await discard(response);
      throw broken(origin, `a realm that is not there: ${short(realm.origin)}`);
    }
    if (response.status !== 200)
      throw await refusal(response, `get a token from ${realm.host}`, request);
    const bytes = await readBody(response, MAX_TOKEN_BYTES, request);
    return tokenOf(realm, Buffer.from(bytes ?? []).toString());
  }
}

/**
 * SECURITY: the registry chooses who gets the credentials. They go out encrypted, or do not leave
 * this machine.
 */
function realmOf(origin: URL, text: string | undefined): URL {
  const realm = text === undefined ? null : URL.parse(text);
  if (realm === null) throw broken(origin, `no valid realm: ${short(text ?? '')}`);
  const isPlain = realm.protocol === 'http:' && isLoopback(realm) && isLoopback(origin);
  if ((realm.protocol !== 'https:' && !isPlain) || realm.username !== '' || realm.password !== '') {
    throw broken(origin, `a realm that is not secure: ${short(realm.origin)}`);
  }
  return realm;
}

function tokenOf(realm: URL, text: string): string {
  let token: unknown;
  try {
    const json = Json.parse(text, realm.host);
    token = json.field('token').optionalString() ?? json.field('access_token').optionalString();
  } catch (cause) {
    throw broken(realm, 'no token: it is not the JSON of one', cause);
  }
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token;
  throw broken(realm, 'no token');
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function broken({ host }: URL, why: string, cause?: unknown): CtrError {
  return new CtrError('REGISTRY_ERROR', `log in at ${host}: it answers with ${why}`, { cause });
}

async function settled(answer: Promise<string>): Promise<string | undefined> {
  return answer.catch(() => undefined);
}

function short(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
