/** The pull that a `run` may begin with: its progress, and signals that give it up. */

import type { ContainerOptions, PullEvent } from '@ctr-ts/sdk';
import { type Interruption, interruption } from './interruption.ts';
import type { Io } from './io.ts';
import { type PullPresenter, pullPresenter } from './present/pull.ts';
import { printable } from './printable.ts';

/** Watches a pull if there is one. */
export interface PullWatch {
  onPull(event: PullEvent): void;
  /** Aborts when a signal to us comes while the image is pulled. */
  readonly signal: AbortSignal;
  /**
   * Ends the progress where it stands. A shell's exit code when a signal gave the pull up; throws any
   * other failure.
   */
  exitCode(error: unknown): number;
}

export function pullWatch(
  io: Io,
  options: { quiet: boolean | undefined; policy: ContainerOptions['pull'] },
): PullWatch {
  const controller = new AbortController();
  let presenter: PullPresenter | undefined;
  let interrupted: Interruption | undefined;
  const begin = ({ name }: Extract<PullEvent, { type: 'pulling' }>): void => {
    interrupted = interruption(io);
    interrupted.signal.addEventListener('abort', () => controller.abort());
    if (options.quiet === true) return;
    presenter = pullPresenter(io);
    if (options.policy !== 'always') {
      io.note(`Unable to find image '${printable(name)}' locally`);
    }
  };
  const close = (): void => {
    presenter?.close();
    interrupted?.[Symbol.dispose]();
  };
  return {
    onPull: (event) => {
      if (event.type === 'pulling') begin(event);
      presenter?.take(event);
      // From here on signals are the container's.
      if (event.type === 'pulled') close();
    },
    signal: controller.signal,
    exitCode: (error) => {
      // ORDER: the progress first, which would draw over what is said below it.
      close();
      if (interrupted === undefined) throw error;
      return interrupted.exitCode(error);
    },
  };
}
