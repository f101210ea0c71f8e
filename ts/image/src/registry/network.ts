/** One HTTP exchange with a registry, its time limits, and what its failures mean. */

import { CtrError } from '@ctr-ts/native';
import { codeOf } from './error-code.ts';
import { fetchFrom } from './loopback.ts';
import { Transient } from './retry.ts';

/** How patient a pull is. */
export interface NetworkLimits {
  /** Until a connection stands and the answer begins. */
  responseTimeoutMs: number;
  /** Without a byte in the middle of a body. */
  stallTimeoutMs: number;
  /** Attempts of an operation that makes no progress. */
  attempts: number;
  /** Before the second attempt; doubles from there, to at most 15 s. */
  retryDelayMs: number;
}

export const DEFAULT_LIMITS: NetworkLimits = {
  responseTimeoutMs: 30_000,
  stallTimeoutMs: 30_000,
  attempts: 5,
  retryDelayMs: 500,
};

export interface Exchange {
  method?: 'GET' | 'HEAD';
  headers: Record<string, string>;
  limits: NetworkLimits;
  signal?: AbortSignal | undefined;
}

/** Failures that come again at once: a name or an address that nobody answers on. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is unknown',
  EAI_AGAIN: 'no name server answers',
  ECONNREFUSED: 'the connection was refused',
  ENETUNREACH: 'there is no network',
  EHOSTUNREACH: 'there is no way to it',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'there is no network',
};

const CERTIFICATE = /CERT|UNABLE_TO_|SELF_SIGNED/;
const TLS = /^(?:ERR_SSL|ERR_TLS|EPROTO)/;

/** What OpenSSL calls an answer that is no record of TLS. */
const WITHOUT_TLS = /^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/;

/**
 * Sends one request and waits for the beginning of the answer. Follows no redirect.
 *
 * @throws CtrError `REGISTRY_UNREACHABLE`; Transient when another attempt may help
 */
export async function exchange(url: URL, request: Exchange): Promise<Response> {
  const { method = 'GET', headers, limits, signal } = request;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limits.responseTimeoutMs);
  try {
    return await fetchFrom(url, {
      method,
      // Without this fetch asks for compressed bodies, and digests are of the bytes as stored.
      headers: { 'accept-encoding': 'identity', 'user-agent': 'ctr-ts', ...headers },
      redirect: 'manual',
      signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    if (late.signal.aborted) {
      const failure = `no answer within ${limits.responseTimeoutMs} ms`;
      throw new Transient(unreachable(url, failure, cause));
    }
    throw explain(url, cause);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The bytes of an answer.
 *
 * @throws Transient when it breaks off or stalls
 */
export async function* chunksOf(
  response: Response,
  { limits, signal }: Pick<Exchange, 'limits' | 'signal'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const url = new URL(response.url);
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await unlessStalled(url, reader, limits.stallTimeoutMs);
      isDone = done;
      if (value === undefined) return;
      yield value as Uint8Array;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof Transient || cause instanceof CtrError) throw cause;
    throw new Transient(unreachable(url, 'the connection was dropped', cause));
  } finally {
    if (!isDone) await reader.cancel().catch(() => {});
  }
}

/** A body of at most so many bytes; `undefined` when it is longer. */
export async function readBody(
  response: Response,
  maxBytes: number,
  request: Pick<Exchange, 'limits' | 'signal'>,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(response, request)) {
    length += chunk.length;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Gives the connection of an answer back whose body nobody wants. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {});
}

/**
 * Whether a failed exchange says that what answers on this port does not speak TLS.
 *
 * SECURITY: nothing else may be a reason to do without. A connection that was reset or stays silent
 * says nothing about who is there, and an alert comes from somebody who does speak TLS.
 */
export function isWithoutTls(error: unknown): boolean {
  const failure = error instanceof Transient ? error.failure : error;
  return failure instanceof CtrError && WITHOUT_TLS.test(codeOf(failure.cause));
}

async function unlessStalled<T>(
  url: URL,
  reader: { read(): Promise<T> },
  stallTimeoutMs: number,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    const failure = unreachable(url, `nothing came for ${stallTimeoutMs} ms`);
    timer = setTimeout(() => reject(new Transient(failure)), stallTimeoutMs);
  });
  try {
    return await Promise.race([reader.read(), stalled]);
  } finally {
    clearTimeout(timer);
  }
}

function explain(url: URL, cause: unknown): Error {
  const code = codeOf(cause);
  const known = UNREACHABLE[code];
  if (known !== undefined) return unreachable(url, known, cause);
  if (CERTIFICATE.test(code)) {
    return unreachable(url, `its certificate is not trusted (${code})`, cause, {
      hint: 'name your own authority: NODE_EXTRA_CA_CERTS=FILE',
    });
  }
  if (TLS.test(code)) {
    return unreachable(url, `it does not speak TLS (${code})`, cause, {
      hint: 'only a registry on this machine may be without TLS',
    });
  }
  // Without a code it is fetch itself that refuses, as for ports of other protocols.
  if (code === '') return unreachable(url, `the request failed: ${innermost(cause)}`, cause);
  return new Transient(unreachable(url, code, cause));
}

function unreachable(
  url: URL,
  why: string,
  cause?: unknown,
  { hint }: { hint?: string } = {},
): CtrError {
  const isHub = url.hostname.endsWith('docker.io') || url.hostname.endsWith('docker.com');
  return new CtrError('REGISTRY_UNREACHABLE', `reach ${url.host}: ${why}`, {
    cause,
    hint:
      hint ??
      (isHub
        ? 'host: works on any machine without a download: ctr-ts run host: sh'
        : 'check its name and the network'),
  });
}

function innermost(error: unknown): string {
  let message = String(error);
  for (let inner = error; inner instanceof Error; inner = inner.cause) message = inner.message;
  return message;
}
