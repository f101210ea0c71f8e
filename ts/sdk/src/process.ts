/** A process in a container, from the call that asks for it to its result. */

import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { Collector } from './collect.ts';
import { Deadline } from './deadline.ts';
import { CtrError } from './errors.ts';
import { processEvents } from './events.ts';
import type { Exit, Launcher, Running, Stdio } from './launch.ts';
import type { ProcessOptions } from './options.ts';
import { failureOf, type ProcessEvent, type Result, type Started } from './result.ts';
import type { Signal } from './signals.ts';
import { SIGKILL, signalNumber } from './signals.ts';
import { copyStream, drain, openPipe, planStreams } from './streams.ts';
import { checkTerminalSize, type TerminalSize } from './terminal.ts';

/** Most bytes kept of each stream unless the caller says else. */
export const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * A process that was asked for. Await it for its {@link Result} (a non-zero exit does not reject,
 * failure to start does), iterate over it for its output as it comes, or take its streams.
 *
 * The result waits for the end of the output too: a background process that keeps stdout open
 * keeps the result waiting, as in a shell pipeline.
 */
export class Process<Output = string> implements PromiseLike<Result<Output>> {
  /** Resolves once the program runs; rejects when it could not be started. */
  readonly started: Promise<Started>;
  readonly #options: ProcessOptions;
  readonly #keepsInput: boolean;
  readonly #deadline: Deadline;
  readonly #running: Promise<Running>;
  readonly #exit: Promise<Exit>;
  /** Set with a terminal: it is both stdin and stdout. */
  readonly #terminal: Socket | null;
  readonly #sockets: { stdin: Socket | null; stdout: Socket | null; stderr: Socket | null };
  readonly #collectors: { stdout?: Collector; stderr?: Collector } = {};
  readonly #taken = new Set<'stdin' | 'stdout' | 'stderr'>();
  readonly #copied = new Map<'stdin' | 'stdout' | 'stderr', () => void>();
  #durationMs = 0;
  #result: Promise<Result<Output>> | undefined;

  /** Made by `run()` and `Container.exec()` only. */
  constructor(options: ProcessOptions, launcher: Launcher) {
    this.#options = options;
    this.#keepsInput = launcher.keepsInput === true;
    this.#deadline = new Deadline(options);
    const plan = planStreams(options);
    let stdio: Stdio = { handle: 0, stdin: -1, stdout: -1, stderr: -1, terminal: -1 };
    try {
      stdio = launcher.openStdio(plan.modes);
      this.#running = launcher.launch(stdio.handle, this.#deadline.signal);
    } catch (error) {
      this.#running = Promise.reject(error);
    }
    this.#killOnGiveUp();
    this.#terminal = openPipe(stdio.terminal, 'both');
    this.#sockets = {
      stdin: this.#terminal ?? openPipe(stdio.stdin, 'write'),
      stdout: this.#terminal ?? openPipe(stdio.stdout, 'read'),
      stderr: openPipe(stdio.stderr, 'read'),
    };
    this.started = this.#running.then(({ pid, containerId, enforcement }) => ({
      pid,
      containerId,
      enforcement,
    }));
    this.#exit = this.#follow();
    // Whoever awaits or iterates hears of a failure; these two must not crash who does not.
    this.started.catch(() => {});
    this.#exit.catch(() => {});
    this.#connect(plan.copies);
    // Streams taken in the same turn as the call are the caller's alone.
    setImmediate(() => {
      this.#collect();
      // The time limit and the copies end with the result, whether or not anybody waits for it.
      this.then(undefined, () => {});
    });
  }

  /** The process's input, `null` when it is neither pipe nor terminal. Take it right after the call, or it is closed. */
  get stdin(): Writable | null {
    this.#taken.add('stdin');
    return this.#sockets.stdin;
  }

  /** The process's output, `null` when it is neither pipe nor terminal. What is taken is not in the result. */
  get stdout(): Readable | null {
    return this.#take('stdout');
  }

  /** As `stdout`; `null` with a terminal. */
  get stderr(): Readable | null {
    return this.#take('stderr');
  }

  /** Signals the process. Default SIGKILL: PID 1 of a container ignores signals it has no handler for. */
  async kill(signal: Signal = 'SIGKILL'): Promise<void> {
    const number = signalNumber(signal);
    const running = await this.#running;
    running.signal(number, number === SIGKILL);
  }

  /**
   * Sets the size of the process's terminal; programs in its foreground hear of it (SIGWINCH).
   *
   * @throws CtrError `NO_TERMINAL`, `INVALID_ARGUMENT`
   */
  async resize(size: TerminalSize): Promise<void> {
    checkTerminalSize(size);
    this.#requireTerminal('resize');
    (await this.#running).resize(size);
  }

  /**
   * Leaves the container and its terminal to its launcher, and resolves when it goes on without
   * this process: `Container.get()` finds it, `attach()` connects to it again. The result then
   * says `detached`, and no time limit counts any more. Of a container that was attached to, this
   * process merely lets go.
   *
   * @throws CtrError `NO_TERMINAL`; `CONTAINER_NOT_RUNNING` when it ended first;
   * `INVALID_ARGUMENT` for a process of `exec()`, which ends with whoever started it
   */
  async detach(): Promise<void> {
    this.#requireTerminal('detach from');
    const running = await this.#running;
    if (running.detach === undefined) {
      throw new CtrError('INVALID_ARGUMENT', 'detach from a process of exec()', {
        hint: 'it ends with whoever started it; a container with a terminal can be left',
      });
    }
    await running.detach();
  }

  /** The result; rejects with `NONZERO_EXIT` unless the process exited with 0. */
  async orThrow(): Promise<Result<Output>> {
    const result = await this;
    if ((result.exitCode === 0 && !result.timedOut) || result.detached) return result;
    throw failureOf(result, this.#options.timeoutMs);
  }

  // biome-ignore lint/suspicious/noThenProperty: a Process is awaited like a promise
  then<Value = Result<Output>, Failure = never>(
    onResult?: ((result: Result<Output>) => Value | PromiseLike<Value>) | null,
    onError?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Value | Failure> {
    this.#result ??= this.#finish();
    return this.#result.then(onResult, onError);
  }

  /** Output as it comes, then the exit. Throws what awaiting would reject with. */
  [Symbol.asyncIterator](): AsyncIterator<ProcessEvent<Output>> {
    const streams = { stdout: this.#take('stdout'), stderr: this.#take('stderr') };
    return processEvents<Output>(streams, this.#options.encoding ?? 'utf8', async () => {
      const { exitCode, signal, oomKilled, timedOut } = await this;
      return { type: 'exit', exitCode, signal, oomKilled, timedOut };
    });
  }

  /** Kills the process and all it started, and waits for its end. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#deadline.giveUp(new CtrError('ABORTED', 'process disposed of'));
    await this.#exit.catch(() => {});
  }

  #take(name: 'stdout' | 'stderr'): Readable | null {
    this.#taken.add(name);
    return this.#collectors[name]?.release() ?? this.#sockets[name];
  }

  #connect(copies: Record<'stdin' | 'stdout' | 'stderr', boolean>): void {
    for (const name of ['stdin', 'stdout', 'stderr'] as const) {
      const socket = this.#sockets[name];
      if (!copies[name] || socket === null) continue;
      this.#taken.add(name);
      this.#copied.set(name, copyStream(name, socket));
    }
    if (this.#options.stdin === undefined) return;
    this.#taken.add('stdin');
    this.#sockets.stdin?.end(this.#options.stdin);
  }

  #collect(): void {
    const limit = this.#options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES;
    for (const name of ['stdout', 'stderr'] as const) {
      const socket = this.#sockets[name];
      if (socket !== null && !this.#taken.has(name) && this.#collectors[name] === undefined) {
        this.#collectors[name] = new Collector(socket, limit);
      }
    }
    // Nobody will ever write: a program that reads its input must see its end, not wait for ever.
    const explicit =
      this.#keepsInput ||
      (typeof this.#options.stdio === 'object' && this.#options.stdio.stdin === 'pipe');
    if (!this.#taken.has('stdin') && !explicit) this.#sockets.stdin?.end();
  }

  async #follow(): Promise<Exit> {
    try {
      const running = await this.#running;
      const start = performance.now();
      const exit = await running.exited;
      this.#durationMs = performance.now() - start;
      // What it shows from now on is for the next who attaches.
      if (exit.reason === 'detached') this.#terminal?.destroy();
      return exit;
    } catch (error) {
      // Nothing will come any more, whoever still holds the other ends.
      this.#sockets.stdout?.destroy();
      this.#sockets.stderr?.destroy();
      throw error;
    } finally {
      this.#copied.get('stdin')?.();
      // A terminal's other direction may still hold the last output.
      if (this.#terminal === null) this.#sockets.stdin?.destroy();
    }
  }

  async #finish(): Promise<Result<Output>> {
    try {
      const exit = await this.#exit;
      this.#collect();
      await this.#drained();
      if (this.#deadline.aborted !== undefined) throw this.#deadline.aborted;
      if (exit.reason === 'runtime-lost') {
        throw new CtrError('RUNTIME_LOST', 'the process that owned the container is gone');
      }
      const { exitCode, signal, oomKilled } = exit;
      const { stdout, stderr } = this.#collectors;
      return {
        exitCode,
        signal,
        stdout: this.#output(stdout),
        stderr: this.#output(stderr),
        truncated: (stdout?.truncated ?? false) || (stderr?.truncated ?? false),
        oomKilled,
        timedOut: this.#deadline.timedOut,
        ...(exit.reason === 'detached' ? { detached: true as const } : {}),
        durationMs: this.#durationMs,
      };
    } finally {
      this.#deadline.disarm();
    }
  }

  #output(collector: Collector | undefined): Output {
    const bytes = this.#options.encoding === 'bytes';
    const value = bytes ? (collector?.bytes() ?? new Uint8Array()) : (collector?.text() ?? '');
    // The overloads of run() and exec() tie Output to the encoding.
    return value as Output;
  }

  /** Waits until what we read or copy ourselves has ended; what was taken is the caller's. */
  async #drained(): Promise<void> {
    const open = (['stdout', 'stderr'] as const)
      .filter((name) => this.#copied.has(name) || !this.#taken.has(name))
      .map((name) => this.#sockets[name])
      .filter((socket) => socket !== null && !socket.closed) as Socket[];
    await drain(open, this.#deadline.signal);
  }

  #requireTerminal(what: string): void {
    if (this.#terminal !== null) return;
    throw new CtrError('NO_TERMINAL', `${what} the process: it has no terminal`, {
      hint: 'start it with terminal: true',
    });
  }

  /** What was given up and runs already is killed with all it started; what was attached to is let go. */
  #killOnGiveUp(): void {
    const { signal } = this.#deadline;
    const kill = (): void =>
      void this.#running.then(
        (running) => (running.abandon ?? (() => running.signal(SIGKILL, true)))(),
        () => {},
      );
    if (signal.aborted) kill();
    else signal.addEventListener('abort', kill, { once: true });
  }
}
