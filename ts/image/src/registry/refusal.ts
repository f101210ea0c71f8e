/** What a status that is no success means. */

import { CtrError } from '@ctr-ts/native';
import { discard, type Exchange, readBody } from './network.ts';
import { Transient } from './retry.ts';

const MAX_ERROR_BYTES = 64 * 1024;
const MAX_SHOWN = 200;

/** Statuses that another attempt may mend. */
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

/** What a refusal is made of beside the answer. */
interface Refused extends Pick<Exchange, 'limits' | 'signal'> {
  /** What to do when it is about who asks. */
  loginHint?: () => Promise<string>;
}

/** The error for an answer, with what the registry says about it. Reads the answer's body. */
export async function refusal(
  response: Response,
  operation: string,
  { loginHint, ...request }: Refused,
): Promise<Error> {
  const { status } = response;
  const said = await messageOf(response, request).catch(() => '');
  request.signal?.throwIfAborted();
  const message = `${operation}: the server answers ${status}${said === '' ? '' : ` (${said})`}`;
  if (status === 401 || status === 403) {
    return new CtrError('REGISTRY_UNAUTHORIZED', message, {
      hint: await loginHint?.(),
    });
  }
  if (status === 404) {
    return new CtrError('IMAGE_NOT_FOUND', message, { hint: 'check its name and tag' });
  }
  const error = new CtrError('REGISTRY_ERROR', message, {
    hint: status === 429 ? 'it limits how much is pulled: log in, or wait' : undefined,
  });
  return TRANSIENT.has(status) ? new Transient(error, retryAfterMs(response)) : error;
}

/** `errors[0].message` of the distribution spec's error document. */
async function messageOf(
  response: Response,
  request: Pick<Exchange, 'limits' | 'signal'>,
): Promise<string> {
  if (!/json/.test(response.headers.get('content-type') ?? '')) {
    await discard(response);
    return '';
  }
  const bytes = await readBody(response, MAX_ERROR_BYTES, request);
  const document = JSON.parse(Buffer.from(bytes ?? []).toString()) as {
    errors?: { code?: unknown; message?: unknown }[];
  };
  const { code, message } = document.errors?.[0] ?? {};
  const text = [code, message].filter((part) => typeof part === 'string' && part !== '').join(': ');
  // Foreign text: one line of it, without control characters.
  return text.replaceAll(/[\p{C}\s]+/gu, ' ').slice(0, MAX_SHOWN);
}

/** Seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(response: Response): number | undefined {
  const header = response.headers.get('retry-after');
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : undefined;
}
