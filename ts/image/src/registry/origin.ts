/** Where a registry is, and by which protocol. */

import { isLoopback } from './loopback.ts';
import type { Exchange } from './network.ts';
import { discard, exchange, isWithoutTls } from './network.ts';

/** Docker Hub's name is not its address. */
const ADDRESSES = new Map([['docker.io', 'registry-1.docker.io']]);

const PROBE_TIMEOUT_MS = 5000;

/**
 * The registry's base. It is HTTPS. Only for a registry on loopback there is another way: when
 * what answers there does not speak TLS, HTTP is used. A certificate that is not trusted is no reason.
 *
 * @throws CtrError `REGISTRY_UNREACHABLE`
 */
export async function originOf(
  registry: string,
  request: Pick<Exchange, 'limits' | 'signal'>,
): Promise<URL> {
  const secure = new URL(`https://${ADDRESSES.get(registry) ?? registry}/`);
  if (!isLoopback(secure)) return secure;
  const responseTimeoutMs = Math.min(request.limits.responseTimeoutMs, PROBE_TIMEOUT_MS);
  try {
    const limits = { ...request.limits, responseTimeoutMs };
    await discard(await exchange(new URL('/v2/', secure), { ...request, limits, headers: {} }));
    return secure;
  } catch (error) {
    request.signal?.throwIfAborted();
    if (!isWithoutTls(error)) throw error;
    return new URL(`http://${registry}/`);
  }
}
