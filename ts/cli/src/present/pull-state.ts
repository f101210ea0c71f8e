/** What a pull has come to: its layers, each in a state, in docker's words. */

import type { PullEvent } from '@ctr-ts/sdk';

type LayerEvent = Extract<PullEvent, { type: 'layer' }>;

/** A layer as far as it was heard of. */
export interface LayerProgress {
  digest: string;
  /** `waiting`: nothing was heard of it. */
  state: LayerEvent['state'] | 'waiting';
  bytes: number;
  size: number;
}

/** Layers in the image's order. */
export class PullState {
  readonly #layers = new Map<string, LayerProgress>();

  get layers(): LayerProgress[] {
    return [...this.#layers.values()];
  }

  /** Takes an event in; the layer whose state it changed, `undefined` if it changed none. */
  take(event: PullEvent): LayerProgress | undefined {
    if (event.type === 'manifest') {
      // An image may have the same layer twice; it is downloaded once.
      for (const { digest, size } of event.layers) {
        this.#layers.set(digest, { digest, state: 'waiting', bytes: 0, size });
      }
    }
    if (event.type !== 'layer') return undefined;
    const { digest, state, bytes, size } = event;
    const before = this.#layers.get(digest)?.state;
    // Its files were there too: nothing was done.
    if (before === 'exists' && state === 'unpacked') return undefined;
    const layer = { digest, state, bytes, size };
    this.#layers.set(digest, layer);
    return before === state ? undefined : layer;
  }
}

/** Docker's words for a state. */
export const STATE_WORDS: Readonly<Record<LayerProgress['state'], string>> = {
  waiting: 'Waiting',
  exists: 'Already exists',
  downloading: 'Downloading',
  downloaded: 'Download complete',
  unpacking: 'Extracting',
  unpacked: 'Pull complete',
};

/** Whether nothing more will be heard of a layer. */
export function isDone({ state }: LayerProgress): boolean {
  return state === 'exists' || state === 'unpacked';
}

/** The part of a digest that people recognise. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

/** The line before the layers: `latest: Pulling from library/alpine`. */
export function pullHeading(reference: string): string {
  const path = reference.slice(reference.indexOf('/') + 1);
  const at = path.indexOf('@');
  if (at >= 0) return `${path.slice(at + 1)}: Pulling from ${path.slice(0, at)}`;
  const colon = path.lastIndexOf(':');
  return `${path.slice(colon + 1)}: Pulling from ${path.slice(0, colon)}`;
}

/** The lines after the layers. */
export function pullSummary(event: Extract<PullEvent, { type: 'pulled' }>): string[] {
  const { image, name, upToDate } = event;
  const status = upToDate ? 'Image is up to date for' : 'Downloaded newer image for';
  return [`Digest: ${image.digest}`, `Status: ${status} ${name}`];
}

/** The line about a further try. */
export function retryLine({ operation, error, delayMs }: Extract<PullEvent, { type: 'retry' }>) {
  const seconds = Math.max(1, Math.round(delayMs / 1000));
  // Most errors begin with the operation that failed.
  const what = error.startsWith(operation) ? error : `${operation}: ${error}`;
  return `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}: ${what}`;
}
