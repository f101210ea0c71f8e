/** The blobs of an image's layers, several at a time, the lowest first. */

import { join } from 'node:path';
import { type Digest, hexOf } from '../digest.ts';
import type { LayerDescriptor } from '../oci/image.ts';
import { blobPath } from '../oci/layout.ts';
import { downloadBlob } from '../registry/blob.ts';
import type { Repository } from '../registry/client.ts';
import { hasBlob } from '../store/blobs.ts';
import type { Store } from '../store.ts';
import type { PullEvent } from './event.ts';

export interface DownloadsOptions {
  store: Store;
  repository: Repository;
  /** Where blobs go that the store does not have. */
  directory: string;
  signal: AbortSignal | undefined;
  onEvent: ((event: PullEvent) => void) | undefined;
}

const PARALLEL = 3;
/** Between two reports of one layer. */
const REPORT_MS = 100;

/** Downloads under way. The first failure ends them all. */
export class Downloads {
  /** What was not in the store: digest -> file. */
  readonly fetched = new Map<Digest, string>();
  readonly #options: DownloadsOptions;
  readonly #abort = new AbortController();
  readonly #blobs = new Map<Digest, PromiseWithResolvers<string>>();
  readonly #workers: Promise<unknown>;

  constructor(layers: readonly LayerDescriptor[], options: DownloadsOptions) {
    this.#options = options;
    const unique = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    for (const { digest } of unique) {
      const blob = Promise.withResolvers<string>();
      // Whoever waits for it is told; nobody need wait.
      blob.promise.catch(() => {});
      this.#blobs.set(digest, blob);
    }
    const queue = unique.values();
    const workers = Array.from({ length: PARALLEL }, () => this.#work(queue));
    this.#workers = Promise.all(workers);
  }

  /** Waits for a blob; its file. Rejects with the first failure of any. */
  async file({ digest }: LayerDescriptor): Promise<string> {
    const blob = this.#blobs.get(digest);
    if (blob === undefined) throw new Error(`${digest} is no layer of this image`);
    return blob.promise;
  }

  /** Downloads a blob though the store has one: what that holds turned out to be something else. */
  again(layer: LayerDescriptor): Promise<string> {
    return this.#download(layer);
  }

  /** Ends what is under way, and waits until nothing touches the directory any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#workers;
  }

  async #work(queue: Iterator<LayerDescriptor>): Promise<void> {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const layer = next.value;
      try {
        this.#blobs.get(layer.digest)?.resolve(await this.#get(layer));
      } catch (error) {
        for (const blob of this.#blobs.values()) blob.reject(error);
        this.#abort.abort();
        return;
      }
    }
  }

  async #get(layer: LayerDescriptor): Promise<string> {
    const { store, onEvent } = this.#options;
    const { digest, size } = layer;
    if (!(await hasBlob(store, layer))) return this.#download(layer);
    onEvent?.({ type: 'layer', digest, state: 'exists', bytes: size, size });
    return blobPath(store.dataRoot, digest);
  }

  async #download(layer: LayerDescriptor): Promise<string> {
    const { repository, directory, signal, onEvent } = this.#options;
    const { digest, size } = layer;
    const all = AbortSignal.any([this.#abort.signal, ...(signal === undefined ? [] : [signal])]);
    all.throwIfAborted();
    const report = (state: 'downloading' | 'downloaded', bytes: number) =>
      onEvent?.({ type: 'layer', digest, state, bytes, size });
    const path = join(directory, hexOf(digest));
    let reported = Date.now();
    report('downloading', 0);
    await downloadBlob(layer, path, {
      repository,
      signal: all,
      onBytes: (bytes) => {
        if (Date.now() < reported + REPORT_MS) return;
        reported = Date.now();
        report('downloading', bytes);
      },
    });
    report('downloaded', size);
    this.fetched.set(digest, path);
    return path;
  }
}
