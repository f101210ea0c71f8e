/**
 * Our terminal stands for the terminal of a process: keys go in, what it shows comes out, and its
 * size is ours.
 *
 * ORDER: nothing is read and nothing changed before the process runs. Until then Ctrl-C ends us,
 * and what was typed meanwhile is still in the kernel: for the process when it starts, for the
 * shell when it does not.
 */

import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { CtrError, type Process, type RawMode, rawMode, type TerminalSize } from '@ctr-ts/sdk';
import { DetachKeys } from './detach-keys.ts';

/**
 * How our terminal and the process parted: it ended; it was left; our terminal is gone (its window
 * was closed); nobody reads what it shows any more (a pipe was closed).
 */
export type SessionEnd = 'ended' | 'detached' | 'lost' | 'unread';

export interface SessionOptions {
  /** Our stdin, a terminal, is connected too. */
  interactive: boolean;
  /** What leaves the process; `undefined`: nothing does. */
  detachKeys?: Uint8Array | undefined;
  /** The process runs already and must draw itself anew. */
  redraw?: boolean | undefined;
}

const STDOUT = 1;

/** How long a window has another size: a program that is late sees no change and draws nothing. */
const REDRAW_MS = 100;

/** The size of the terminal that shows the process, `undefined` when stdout is none. */
export function windowSize(): TerminalSize | undefined {
  if (!isatty(STDOUT)) return undefined;
  const { columns = 0, rows = 0 } = process.stdout;
  // A serial line does not know its size.
  return columns > 0 && rows > 0 ? { columns, rows } : undefined;
}

/** Connects our terminal and the process until they part; our terminal is then as it was. */
export class Session {
  readonly #target: Process;
  readonly #options: SessionOptions;
  readonly #input: Writable | null;
  readonly #output: Readable | null;
  readonly #raw: RawMode | undefined;
  readonly #end = Promise.withResolvers<SessionEnd>();
  readonly #undo: (() => void)[] = [];

  /** Right after the process was asked for, or its streams are somebody else's. */
  constructor(target: Process, options: SessionOptions) {
    this.#target = target;
    this.#options = options;
    this.#input = target.stdin;
    this.#output = target.stdout;
    this.#raw = options.interactive ? rawMode() : undefined;
  }

  /** Resolves when they part, rejects when the process could not start. */
  async run(): Promise<SessionEnd> {
    await this.#target.started;
    try {
      this.#raw?.enter();
      this.#followSize();
      this.#noticeHangup();
      if (this.#options.interactive) this.#copyIn();
      const shown = this.#copyOut();
      Promise.all([this.#target, shown]).then(
        () => this.#end.resolve('ended'),
        // The reason is told to whoever awaits the process.
        () => this.#end.resolve('ended'),
      );
      return await this.#end.promise;
    } finally {
      for (const undo of this.#undo.reverse()) undo();
      this.#raw?.leave();
    }
  }

  /** Leaves the process as the keys do; one that ends first has just ended. */
  async leave(): Promise<void> {
    try {
      await this.#target.detach();
      this.#end.resolve('detached');
    } catch (error) {
      const hasEnded = error instanceof CtrError && error.code === 'CONTAINER_NOT_RUNNING';
      if (!hasEnded) this.#end.reject(error);
    }
  }

  #followSize(): void {
    this.#resize();
    if (this.#options.redraw === true) this.#redraw();
    const resize = (): void => this.#resize();
    const resume = (): void => {
      // The shell that had us stopped has put its own mode on the terminal.
      this.#raw?.enter();
      this.#redraw();
    };
    if (isatty(STDOUT)) {
      process.stdout.on('resize', resize);
      this.#undo.push(() => process.stdout.off('resize', resize));
    }
    process.on('SIGCONT', resume);
    this.#undo.push(() => process.off('SIGCONT', resume));
  }

  /** Without input, and while nothing is shown, only the signal tells that our terminal is gone. */
  #noticeHangup(): void {
    if (!isatty(STDOUT)) return;
    const look = (): void => {
      if (!isatty(STDOUT)) this.#end.resolve('lost');
    };
    process.on('SIGHUP', look);
    this.#undo.push(() => process.off('SIGHUP', look));
  }

  #resize(size = windowSize()): void {
    if (size === undefined) return;
    this.#target.resize(size).catch(() => {
      // It has ended.
    });
  }

  /** Programs draw themselves when the size of their window changes: it does, and back again. */
  #redraw(): void {
    const size = windowSize();
    if (size === undefined) return;
    this.#resize({ columns: size.columns, rows: size.rows + 1 });
    const back = setTimeout(() => this.#resize(), REDRAW_MS);
    this.#undo.push(() => clearTimeout(back));
  }

  #copyIn(): void {
    const { stdin } = process;
    const { detachKeys } = this.#options;
    const input = this.#input;
    const keys = detachKeys === undefined ? undefined : new DetachKeys(detachKeys);
    const take = (typed: Buffer): void => {
      const { pass, complete } = keys?.take(typed) ?? { pass: typed, complete: false };
      if (complete) void this.leave();
      if (pass.length === 0 || input === null || input.write(pass)) return;
      stdin.pause();
      input.once('drain', () => stdin.resume());
    };
    // A terminal that ends was hung up: its window was closed.
    const lost = (): void => this.#end.resolve('lost');
    stdin.on('data', take).on('end', lost).on('error', lost);
    this.#undo.push(() => {
      stdin.off('data', take).off('end', lost);
      stdin.pause();
    });
  }

  async #copyOut(): Promise<void> {
    const { stdout } = process;
    // Each write hears of its failure; the event is for those that do not listen.
    stdout.on('error', () => {});
    const chunks: AsyncIterator<Buffer> | undefined = this.#output?.[Symbol.asyncIterator]();
    for (;;) {
      // A stream that breaks has ended; how the process ended is told by itself.
      const next = await chunks?.next().catch(() => undefined);
      if (next === undefined || next.done === true) return;
      const error = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => {
        stdout.write(next.value, resolve);
      });
      if (error) return this.#end.resolve(error.code === 'EPIPE' ? 'unread' : 'lost');
    }
  }
}
