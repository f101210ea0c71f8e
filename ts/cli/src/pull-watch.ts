/** The progress of the pull that a `run` may begin with. */

import type { ContainerOptions, PullEvent } from '@ctr-ts/sdk';
import type { Io } from './io.ts';
import { type PullPresenter, pullPresenter } from './present/pull.ts';
import { printable } from './printable.ts';

/** Watches a pull if there is one. */
export interface PullWatch {
  onPull(event: PullEvent): void;
  /** Ends the progress where it stands: before anything is said about a failure. */
  close(): void;
}

export function pullWatch(
  io: Io,
  options: { quiet: boolean | undefined; policy: ContainerOptions['pull'] },
): PullWatch {
  let presenter: PullPresenter | undefined;
  const begin = ({ name }: Extract<PullEvent, { type: 'pulling' }>): void => {
    if (options.quiet === true) return;
    presenter = pullPresenter(io);
    if (options.policy !== 'always') {
      io.note(`Unable to find image '${printable(name)}' locally`);
    }
  };
  const close = (): void => presenter?.close();
  return {
    onPull: (event) => {
      if (event.type === 'pulling') begin(event);
      presenter?.take(event);
      if (event.type === 'pulled') close();
    },
    close,
  };
}
