/** A pull on stderr: drawn in place on a terminal, else a line for each change. */

import type { PullEvent } from '@ctr-ts/sdk';
import type { Io } from '../io.ts';
import { printable } from '../printable.ts';
import { PullScreen } from './pull-screen.ts';
import {
  PullState,
  pullHeading,
  pullSummary,
  retryLine,
  STATE_WORDS,
  shortDigest,
} from './pull-state.ts';

/** Shows a pull. */
export interface PullPresenter {
  take(event: PullEvent): void;
  /** Before anything else is written, whether or not the pull came to its end. */
  close(): void;
}

/** The presenter that fits where stderr goes. */
export function pullPresenter(io: Io): PullPresenter {
  return io.screen === undefined ? new PullLog(io) : new PullScreen(io);
}

/** One line for each change of a state. */
class PullLog implements PullPresenter {
  readonly #io: Io;
  readonly #state = new PullState();

  constructor(io: Io) {
    this.#io = io;
  }

  take(event: PullEvent): void {
    const changed = this.#state.take(event);
    if (changed !== undefined) {
      this.#io.note(`${shortDigest(changed.digest)}: ${STATE_WORDS[changed.state]}`);
    }
    if (event.type === 'manifest') this.#io.note(pullHeading(event.reference));
    if (event.type === 'retry') this.#io.note(printable(retryLine(event)));
    if (event.type === 'pulled') for (const line of pullSummary(event)) this.#io.note(line);
  }

  close(): void {}
}
