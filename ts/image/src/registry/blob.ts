/** One blob to a file: hashed while it is written, and continued where a connection broke off. */

import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { CtrError } from '@ctr-ts/native';
import { fileError } from '../file-error.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Repository } from './client.ts';
import { chunksOf, discard } from './network.ts';
import { Transient } from './retry.ts';

export interface DownloadOptions {
  repository: Repository;
  signal: AbortSignal;
  /** Told how many bytes are there. */
  onBytes: (bytes: number) => void;
}

/**
 * Downloads a blob to a new file at `path` and verifies it.
 *
 * @throws CtrError `DIGEST_MISMATCH`, `DISK_FULL`, `REGISTRY_*`
 */
export async function downloadBlob(
  descriptor: Descriptor,
  path: string,
  options: DownloadOptions,
): Promise<void> {
  const { repository, signal } = options;
  const file = await open(path, 'wx', 0o600).catch((cause: unknown) => {
    throw fileError('write', path, cause);
  });
  try {
    const operation = `download ${descriptor.digest}`;
    const target = new Target(file, path, descriptor);
    const retry = { operation, signal, progress: () => target.furthest };
    await repository.retrying(retry, () => fill(target, operation, options));
    target.verify();
  } finally {
    await file.close();
  }
}

/** One attempt, from where the last one ended. */
async function fill(
  target: Target,
  operation: string,
  { repository, signal, onBytes }: DownloadOptions,
): Promise<void> {
  const { digest } = target.descriptor;
  if (target.offset === target.descriptor.size && target.offset > 0) return;
  const response = await repository.openBlob(digest, operation, target.offset, signal);
  if (target.offset > 0 && !continues(response, target)) {
    await target.restart();
    if (response.status !== 200) {
      await discard(response);
      const failure = `${operation}: the registry answers a range with another one`;
      throw new Transient(new CtrError('REGISTRY_ERROR', failure));
    }
  }
  const announced = Number(response.headers.get('content-length') ?? Number.NaN);
  if (announced >= 0 && target.offset + announced !== target.descriptor.size) {
    await discard(response);
    throw target.wrongLength(`${target.offset + announced}`);
  }
  for await (const chunk of chunksOf(response, { limits: repository.limits, signal })) {
    await target.write(chunk);
    onBytes(target.offset);
  }
  if (target.offset < target.descriptor.size) throw target.wrongLength(`${target.offset}`);
}

/** Whether an answer to a range request begins where we are. */
function continues(response: Response, { offset, descriptor }: Target): boolean {
  const range = response.headers.get('content-range') ?? '';
  const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range) ?? [];
  return (
    response.status === 206 &&
    Number(from) === offset &&
    (total === '*' || Number(total) === descriptor.size)
  );
}

/** The file with the hash of what is in it. */
class Target {
  readonly descriptor: Descriptor;
  readonly #file: FileHandle;
  readonly #path: string;
  #hash: Hash = createHash('sha256');
  #offset = 0;
  #furthest = 0;

  constructor(file: FileHandle, path: string, descriptor: Descriptor) {
    this.#file = file;
    this.#path = path;
    this.descriptor = descriptor;
  }

  get offset(): number {
    return this.#offset;
  }

  /** The highest offset of all attempts. */
  get furthest(): number {
    return this.#furthest;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#offset + chunk.length > this.descriptor.size) {
      throw this.wrongLength(`more than ${this.descriptor.size}`);
    }
    this.#hash.update(chunk);
    try {
      for (let done = 0; done < chunk.length; ) {
        const position = this.#offset + done;
        done += (await this.#file.write(chunk, done, chunk.length - done, position)).bytesWritten;
      }
    } catch (cause) {
      throw fileError('write', this.#path, cause);
    }
    this.#offset += chunk.length;
    this.#furthest = Math.max(this.#furthest, this.#offset);
  }

  async restart(): Promise<void> {
    this.#hash = createHash('sha256');
    this.#offset = 0;
    await this.#file.truncate(0).catch((cause: unknown) => {
      throw fileError('write', this.#path, cause);
    });
  }

  verify(): void {
    const found = `sha256:${this.#hash.digest('hex')}`;
    if (found === this.descriptor.digest) return;
    throw mismatch(this.descriptor, `its digest is ${found}`);
  }

  wrongLength(found: string): CtrError {
    return mismatch(this.descriptor, `it has ${found} bytes in place of ${this.descriptor.size}`);
  }
}

function mismatch({ digest }: Descriptor, why: string): CtrError {
  return new CtrError('DIGEST_MISMATCH', `download ${digest}: ${why}`, {
    hint: 'the registry or a proxy before it is damaged: tell whoever runs it',
  });
}
