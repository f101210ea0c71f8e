/** Events of a pull, for tests of how it is shown. */

import type { PullEvent } from '@ctr-ts/sdk';

type LayerEvent = Extract<PullEvent, { type: 'layer' }>;

/** A digest that begins so. */
export function digest(start: string): string {
  return `sha256:${start.padEnd(64, '0')}`;
}

export function manifest(...layers: string[]): PullEvent {
  return {
    type: 'manifest',
    reference: 'docker.io/library/alpine:3.20',
    digest: digest('f'),
    layers: layers.map((layer) => ({ digest: digest(layer), size: 1_000_000 })),
  };
}

export function layer(start: string, state: LayerEvent['state'], bytes = 0): LayerEvent {
  return { type: 'layer', digest: digest(start), state, bytes, size: 1_000_000 };
}

export function pulled(upToDate: boolean): PullEvent {
  return {
    type: 'pulled',
    reference: 'docker.io/library/alpine:3.20',
    name: 'alpine:3.20',
    upToDate,
    image: {
      id: digest('1'),
      references: ['docker.io/library/alpine:3.20'],
      names: ['alpine:3.20'],
      digest: digest('f'),
      platform: 'linux/amd64',
      createdAt: null,
      sizeBytes: 1_000_000,
      pulledAt: '2026-01-01T00:00:00.000Z',
    },
  };
}

/** An operation that is tried again. */
export const RETRY: Extract<PullEvent, { type: 'retry' }> = {
  type: 'retry',
  operation: 'download sha256:aaa',
  error: 'the connection broke',
  delayMs: 1_900,
};
