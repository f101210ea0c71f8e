/** Output of a process as a sequence of events. */

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ProcessEvent } from './result.ts';

type Chunk = {
  name: 'stdout' | 'stderr';
  chunks: AsyncIterator<Buffer>;
  value: IteratorResult<Buffer>;
};

/**
 * Yields what both streams print, each in its own order, then the event of `exit`. Reads only as
 * fast as it is iterated over; leaving the loop early closes the streams.
 */
export async function* processEvents<Output>(
  streams: { stdout: Readable | null; stderr: Readable | null },
  encoding: 'utf8' | 'bytes',
  exit: () => Promise<ProcessEvent<Output>>,
): AsyncGenerator<ProcessEvent<Output>, void, undefined> {
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  const pending = new Map<string, Promise<Chunk>>();
  const iterators: AsyncIterator<Buffer>[] = [];
  const advance = (name: Chunk['name'], chunks: AsyncIterator<Buffer>): void => {
    // A stream that breaks (EIO of a pty) has ended; how the process ended is told by `exit`.
    const value = chunks.next().catch(() => ({ done: true, value: undefined }) as const);
    pending.set(
      name,
      value.then((value) => ({ name, chunks, value })),
    );
  };
  for (const name of ['stdout', 'stderr'] as const) {
    const chunks = streams[name]?.[Symbol.asyncIterator]();
    if (chunks === undefined) continue;
    iterators.push(chunks);
    advance(name, chunks);
  }
  try {
    while (pending.size > 0) {
      const { name, chunks, value } = await Promise.race(pending.values());
      pending.delete(name);
      const rest = value.done === true ? Buffer.alloc(0) : value.value;
      if (value.done !== true) advance(name, chunks);
      const data =
        encoding === 'bytes'
          ? new Uint8Array(rest)
          : value.done === true
            ? decoders[name].end()
            : decoders[name].write(rest);
      // The overloads of run() and exec() tie Output to the encoding.
      if (data.length > 0) yield { type: name, data: data as Output };
    }
    yield await exit();
  } finally {
    for (const iterator of iterators) await iterator.return?.();
  }
}
