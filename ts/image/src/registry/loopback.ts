/** What is this machine itself, and how it is reached without asking anybody. */

import { codeOf } from './error-code.ts';

/** What `localhost` is (RFC 6761, section 6.3), in the order in which they are tried. */
const ADDRESSES = ['127.0.0.1', '[::1]'] as const;

/** Nobody listens there, or the machine has no such address. */
const NOBODY = ['ECONNREFUSED', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENETUNREACH'];

/**
 * A name or an address of this machine itself: nobody on the way can listen or answer. Names below
 * `localhost` are none: some name servers answer for them.
 */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/**
 * fetch(), but what goes unencrypted to `localhost` stays here. The server sees the address as the
 * name it was called by: fetch lets nobody choose the Host header. Only without a body.
 *
 * SECURITY: fetch asks the resolver for `localhost` as for any name, and where /etc/hosts is silent
 * a name server answers. With TLS a certificate tells who is there; without, only the address does.
 */
export async function fetchFrom(url: URL, init: RequestInit): Promise<Response> {
  if (url.protocol !== 'http:' || url.hostname !== 'localhost') return fetch(url, init);
  let first: unknown;
  for (const address of ADDRESSES) {
    const direct = new URL(url);
    direct.hostname = address;
    try {
      const response = await fetch(direct, init);
      // Who is asked for credentials is told by the name, as for any other response.
      return Object.defineProperty(response, 'url', { value: url.href });
    } catch (error) {
      first ??= error;
      if (!NOBODY.includes(codeOf(error))) throw error;
    }
  }
  throw first;
}
