/** Pulling an image: what happens, as it happens, and what comes of it. */

import {
  dockerCredentials,
  familiarName,
  formatReference,
  type PullEvent as LayerEvent,
  type Platform,
  pullImage,
  type RegistryReference,
  type StoredImage,
} from '@ctr-ts/image';
import type { Core } from './core.ts';
import { Deadline } from './deadline.ts';
import { CtrError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { HostFacts } from './host.ts';
import { describeImage, type ImageInfo } from './image-info.ts';
import type { Directories } from './paths.ts';
import { storeOf, storeUse } from './store.ts';

/** What came of a pull. JSON-safe. */
export interface PullResult {
  /** In full: `docker.io/library/alpine:latest`. */
  reference: string;
  /** As people type it: `alpine:latest`. */
  name: string;
  /** The store had it already. */
  upToDate: boolean;
  image: ImageInfo;
}

/** What happens in a pull: its begin, the manifest, each layer's progress, retries, its end. */
export type PullEvent =
  | { type: 'pulling'; reference: string; name: string }
  | LayerEvent
  | ({ type: 'pulled' } & PullResult);

/** A pull that is decided. */
export interface PullInput {
  reference: RegistryReference;
  platform: Platform;
  core: Core;
  directories: Directories;
  host: Pick<HostFacts, 'rootless' | 'singleId'>;
  onEvent?: ((event: PullEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Downloads, verifies and unpacks an image. Throws as `pullImage`. */
export async function pullToStore(
  input: PullInput,
): Promise<{ result: PullResult; image: StoredImage }> {
  const { reference, platform, core, directories, host, onEvent = () => {}, signal } = input;
  const names = { reference: formatReference(reference), name: familiarName(reference) };
  onEvent({ type: 'pulling', ...names });
  const { image, upToDate } = await pullImage(reference, {
    store: await storeOf(directories, core),
    applyLayer: (blob, directory, options) => core.applyLayer(blob, directory, options),
    rootless: host.rootless,
    singleId: host.singleId,
    platform,
    onEvent,
    layersInUse: async () => (await storeUse(directories, core)).layers,
    credentials: dockerCredentials(process.env),
    ...(signal === undefined ? {} : { signal }),
  });
  const result = { ...names, upToDate, image: describeImage(image) };
  onEvent({ type: 'pulled', ...result });
  return { result, image };
}

/** How a pull is watched and given up. */
export interface PullHandlers {
  onEvent?: ((event: PullEvent) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * A pull under way. Await it for its {@link PullResult}, iterate over it for its events. It goes on
 * whether or not anybody does either, and a failure that nobody asks for crashes nobody.
 */
export class Pull implements PromiseLike<PullResult> {
  readonly #deadline: Deadline;
  readonly #events = new EventQueue<PullEvent>(sameLayer);
  readonly #result: Promise<PullResult>;

  /** Made by `Image.pull()` only. */
  constructor(handlers: PullHandlers, begin: (own: Required<PullHandlers>) => Promise<PullResult>) {
    this.#deadline = new Deadline({ signal: handlers.signal });
    const onEvent = (event: PullEvent): void => {
      this.#events.push(event);
      handlers.onEvent?.(event);
    };
    this.#result = this.#follow(begin, onEvent);
    this.#result.catch(() => {});
  }

  // biome-ignore lint/suspicious/noThenProperty: a Pull is awaited like a promise
  then<Value = PullResult, Failure = never>(
    onResult?: ((result: PullResult) => Value | PromiseLike<Value>) | null,
    onError?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Value | Failure> {
    return this.#result.then(onResult, onError);
  }

  /** Events from the first on, for one reader. Throws what awaiting would reject with. */
  [Symbol.asyncIterator](): AsyncIterator<PullEvent> {
    return this.#events.read();
  }

  /** Gives up and waits until nothing is being written any more. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#deadline.giveUp(new CtrError('ABORTED', 'pull disposed of'));
    await this.#result.catch(() => {});
  }

  async #follow(
    begin: (own: Required<PullHandlers>) => Promise<PullResult>,
    onEvent: (event: PullEvent) => void,
  ): Promise<PullResult> {
    try {
      this.#deadline.signal.throwIfAborted();
      const result = await begin({ onEvent, signal: this.#deadline.signal });
      this.#events.end();
      return result;
    } catch (error) {
      this.#events.fail(error);
      throw error;
    } finally {
      this.#deadline.disarm();
    }
  }
}

/** Of two counts of the same layer's bytes that nobody has read, the later one is enough. */
function sameLayer(earlier: PullEvent, later: PullEvent): boolean {
  return (
    earlier.type === 'layer' &&
    later.type === 'layer' &&
    earlier.digest === later.digest &&
    earlier.state === later.state
  );
}
