/** Reads a stream to its end and keeps at most so many bytes of it. */

import { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Holds what one stream of a process printed. */
export class Collector {
  readonly #stream: Readable;
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #kept = 0;
  #truncated = false;
  #released = false;
  /** Resolves when the stream has ended, however it ended. */
  readonly done: Promise<void>;

  constructor(stream: Readable, maxBytes: number) {
    this.#stream = stream;
    this.#limit = maxBytes;
    stream.on('data', this.#onData);
    this.done = new Promise((resolve) => {
      // EIO and ECONNRESET are ends of a pipe or pty; what came before them counts.
      stream.once('error', () => resolve());
      stream.once('close', resolve);
      stream.once('end', resolve);
    });
  }

  /** Whether more came than is kept. */
  get truncated(): boolean {
    return this.#truncated;
  }

  /** What is kept, as bytes. */
  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks, this.#kept));
  }

  /** What is kept, as text. A character cut in two by the limit is left out. */
  text(): string {
    const decoder = new StringDecoder('utf8');
    const text = decoder.write(Buffer.concat(this.#chunks, this.#kept));
    return this.#truncated ? text : text + decoder.end();
  }

  /** Hands the stream over, with what was kept so far still in it. */
  release(): Readable {
    if (this.#released) return this.#stream;
    this.#released = true;
    this.#stream.off('data', this.#onData);
    const kept = this.#chunks;
    this.#chunks = [];
    this.#kept = 0;
    if (this.#stream.readableEnded || this.#stream.destroyed) return Readable.from(kept);
    this.#stream.pause();
    if (kept.length > 0) this.#stream.unshift(Buffer.concat(kept));
    return this.#stream;
  }

  #onData = (chunk: Buffer): void => {
    const room = this.#limit - this.#kept;
    // Beyond the limit the stream is still read, or the process would block on a full pipe.
    if (chunk.length > room) this.#truncated = true;
    if (room <= 0) return;
    const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#chunks.push(part);
    this.#kept += part.length;
  };
}
