/**
 * A registry's pull side: the OCI distribution spec 1.1, for one repository.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
 */

import { CtrError } from '@ctr-ts/native';
import { type Digest, digestOf } from '../digest.ts';
import { type Descriptor, INDEX_TYPES, MANIFEST_TYPES } from '../oci/descriptor.ts';
import { MAX_MANIFEST_BYTES } from '../oci/image.ts';
import type { RegistryReference } from '../registry-reference.ts';
import { Authorizer } from './auth.ts';
import type { CredentialSource } from './credentials.ts';
import { discard, type Exchange, type NetworkLimits, readBody } from './network.ts';
import { originOf } from './origin.ts';
import { follow } from './redirect.ts';
import { refusal } from './refusal.ts';
import { type Retry, type RetryOptions, retrying } from './retry.ts';

export interface RegistryOptions {
  limits: NetworkLimits;
  credentials?: CredentialSource | undefined;
  signal?: AbortSignal | undefined;
  onRetry?: ((retry: Retry) => void) | undefined;
}

/** Old types are asked for too, so that a registry sends them and we can say what they are. */
const ACCEPT = [...INDEX_TYPES, ...MANIFEST_TYPES].join(', ');

/** A session with one repository. */
export class Repository {
  readonly #name: string;
  readonly #registry: string;
  readonly #options: RegistryOptions;
  readonly #authorizer: Authorizer;
  #origin: Promise<URL> | undefined;

  constructor({ registry, repository }: RegistryReference, options: RegistryOptions) {
    this.#registry = registry;
    this.#name = repository;
    this.#options = options;
    this.#authorizer = new Authorizer({
      registry,
      scope: `repository:${repository}:pull`,
      credentials: options.credentials,
      request: options,
    });
  }

  /** The manifest or index of a tag or digest. */
  manifest(name: string): Promise<{ descriptor: Descriptor; bytes: Uint8Array }> {
    const operation = `fetch manifest ${name} of ${this.#registry}/${this.#name}`;
    return this.retrying({ operation }, async () => {
      const response = await this.#request(`manifests/${name}`, { headers: { accept: ACCEPT } });
      if (response.status !== 200) throw await this.#refusal(response, operation);
      const bytes = await readBody(response, MAX_MANIFEST_BYTES, this.#options);
      if (bytes === undefined) {
        throw new CtrError('INVALID_IMAGE', `${operation}: it is larger than 4 MiB`);
      }
      const digest = digestOf(bytes);
      const said = name.startsWith('sha256:') ? name : digestHeader(response);
      if (said !== undefined && said !== digest) {
        throw new CtrError('DIGEST_MISMATCH', `${operation}: its digest is ${digest}, not ${said}`);
      }
      const mediaType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
      return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
    });
  }

  /** What a tag names, without fetching it; `undefined` when the registry does not tell. */
  digestOf(tag: string): Promise<Digest | undefined> {
    const operation = `look up ${tag} of ${this.#registry}/${this.#name}`;
    return this.retrying({ operation }, async () => {
      const headers = { accept: ACCEPT };
      const response = await this.#request(`manifests/${tag}`, { headers, method: 'HEAD' });
      await discard(response);
      return response.status === 200 ? digestHeader(response) : undefined;
    });
  }

  /** A small blob as a whole: at most as long as its descriptor says. */
  blob({ digest, size }: Descriptor): Promise<Uint8Array> {
    const operation = `fetch ${digest} of ${this.#registry}/${this.#name}`;
    return this.retrying({ operation }, async () => {
      const response = await this.openBlob(digest, operation);
      const bytes = await readBody(response, size, this.#options);
      if (bytes !== undefined) return bytes;
      throw new CtrError('DIGEST_MISMATCH', `${operation}: it has more than ${size} bytes`);
    });
  }

  /** The answer to a request for a blob, from an offset: 200, 206 or 416. One attempt. */
  async openBlob(digest: Digest, operation: string, offset = 0, signal = this.#options.signal) {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const response = await this.#request(`blobs/${digest}`, { headers, signal });
    const expected = offset === 0 ? [200] : [200, 206, 416];
    if (expected.includes(response.status)) return response;
    throw await this.#refusal(response, operation, signal);
  }

  retrying<T>(
    options: Pick<RetryOptions, 'operation' | 'progress' | 'signal'>,
    attempt: () => Promise<T>,
  ): Promise<T> {
    const { limits, signal, onRetry } = this.#options;
    return retrying(attempt, { limits, signal, onRetry, ...options });
  }

  get limits(): NetworkLimits {
    return this.#options.limits;
  }

  #refusal(response: Response, operation: string, signal = this.#options.signal): Promise<Error> {
    const loginHint = () => this.#authorizer.hint();
    return refusal(response, operation, { limits: this.limits, signal, loginHint });
  }

  async #request(
    path: string,
    request: Pick<Exchange, 'headers' | 'method' | 'signal'>,
  ): Promise<Response> {
    const { limits, signal } = this.#options;
    this.#origin ??= originOf(this.#registry, this.#options);
    const origin = await this.#origin.catch((error: unknown) => {
      this.#origin = undefined;
      throw error;
    });
    const url = new URL(`/v2/${this.#name}/${path}`, origin);
    const send = (authorization: string | undefined) =>
      follow(url, authorization, { limits, signal, ...request });
    const used = this.#authorizer.authorization;
    const first = await send(used);
    // A challenge is the registry's own only: a redirect's target gets nothing from us.
    if (first.status !== 401 || new URL(first.url).origin !== origin.origin) return first;
    await discard(first);
    return send(await this.#authorizer.answer(origin, first.headers.get('www-authenticate'), used));
  }
}

function digestHeader(response: Response): Digest | undefined {
  const text = response.headers.get('docker-content-digest') ?? '';
  return /^sha256:[0-9a-f]{64}$/.test(text) ? (text as Digest) : undefined;
}
