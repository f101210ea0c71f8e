/** Digests of the OCI image spec (descriptor.md, "Digests"): only the parser makes them. */

import { createHash } from 'node:crypto';
import { CtrError } from '@ctr-ts/native';

declare const digest: unique symbol;

/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly [digest]: true };

/** @throws CtrError `INVALID_IMAGE` */
export function parseDigest(text: unknown, where: string): Digest {
  if (typeof text === 'string' && /^sha256:[0-9a-f]{64}$/.test(text)) return text as Digest;
  throw new CtrError('INVALID_IMAGE', `read ${where}: ${JSON.stringify(text)} is no sha256 digest`);
}

/** The digest of bytes. */
export function digestOf(bytes: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
}

/** The hexadecimal part. */
export function hexOf(value: Digest): string {
  return value.slice('sha256:'.length);
}
