/** Redirects, followed by hand: credentials stay with their origin, and HTTPS stays HTTPS. */

import { CtrError } from '@ctr-ts/native';
import { isLoopback } from './loopback.ts';
import { discard, type Exchange, exchange } from './network.ts';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 5;

/**
 * Sends a request and follows where it leads.
 *
 * SECURITY: the registry chooses the target. `authorization` goes to the first origin only, as the
 * place where blobs are kept is often somebody else's, and no step leads from HTTPS to HTTP, but
 * from this machine to itself.
 *
 * @throws CtrError `REGISTRY_ERROR`; and as `exchange`
 */
export async function follow(
  start: URL,
  authorization: string | undefined,
  request: Exchange,
): Promise<Response> {
  let url = start;
  for (let steps = 0; steps <= MAX_REDIRECTS; steps += 1) {
    const isOwn = url.origin === start.origin && authorization !== undefined;
    const headers = isOwn ? { ...request.headers, authorization } : request.headers;
    const response = await exchange(url, { ...request, headers });
    if (!REDIRECTS.has(response.status)) return response;
    await discard(response);
    const location = response.headers.get('location');
    url = targetOf(url, location);
  }
  throw refused(start, `more than ${MAX_REDIRECTS} redirects`);
}

function targetOf(from: URL, location: string | null): URL {
  const target = location === null ? null : URL.parse(location, from.href);
  if (target === null) throw refused(from, 'it redirects to nowhere');
  const isSecure = target.protocol === 'https:';
  const staysPlain = from.protocol === 'http:' || isLoopback(from);
  const isAllowed = isSecure || (target.protocol === 'http:' && staysPlain && isLoopback(target));
  if (!isAllowed) throw refused(from, `it redirects to ${target.protocol}//${target.host}`);
  if (target.username !== '' || target.password !== '') {
    throw refused(from, `it redirects to ${target.host} with credentials in the address`);
  }
  return target;
}

function refused({ host }: URL, why: string): CtrError {
  return new CtrError('REGISTRY_ERROR', `follow ${host}: ${why}`);
}
