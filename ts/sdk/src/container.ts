/** A container that is held open: made once, used by any number of processes. */

import type { Launched } from '@ctr-ts/native';
import { type Core, openCore } from './core.ts';
import { CtrError } from './errors.ts';
import { execRequest } from './exec.ts';
import { type Explanation, explainContainer } from './explain.ts';
import { type Exit, launchWith, toExit } from './launch.ts';
import type { ContainerOptions, EngineOptions, ExecOptions, ProcessOptions } from './options.ts';
import { type Directories, directories } from './paths.ts';
import { prepareContainer } from './prepare.ts';
import { Process } from './process.ts';
import { type Signal, signalNumber } from './signals.ts';
import { type ContainerInfo, describe, findState, recordOf, stateOf } from './states.ts';
import { validateExec, validateProcess } from './validate.ts';

/** How often a container of another process is looked at. */
const POLL_MS = 50;

/** How long an ended container's record may take to go. */
const CLEAN_MS = 2_000;

/** What {@link Container.create} takes. */
export type CreateOptions = ContainerOptions & { signal?: AbortSignal | undefined };

/** A container. Dies with the process that created it. */
export class Container {
  readonly id: string;
  readonly name: string | null;
  readonly #core: Core;
  readonly #directories: Directories;
  /** Set where this process created it. */
  readonly #launched: Launched | undefined;

  private constructor(id: string, name: string | null, core: Core, paths: Directories, launched?: Launched) {
    this.id = id;
    this.name = name;
    this.#core = core;
    this.#directories = paths;
    this.#launched = launched;
  }

  /**
   * Makes a container and waits until it runs. Without a command its PID 1 is our own init, which
   * only reaps.
   *
   * @throws CtrError as `run()` rejects
   */
  static async create(options: CreateOptions): Promise<Container> {
    const { core, directories: paths, request } = await prepareContainer(
      options,
      options.command === undefined,
      options.signal,
    );
    const { handle } = core.openStdio({ stdin: 'null', stdout: 'null', stderr: 'null' });
    const launched = core.launch(request, handle);
    const kill = (): void => launched.signal(9, true);
    options.signal?.addEventListener('abort', kill, { once: true });
    try {
      await launched.started;
      options.signal?.throwIfAborted();
    } finally {
      options.signal?.removeEventListener('abort', kill);
    }
    // A container that is only held open is no reason for Node to stay.
    launched.unref();
    return new Container(request.id, options.name ?? null, core, paths, launched);
  }

  /**
   * A container of any process of this user, by id, name or a prefix of the id.
   *
   * @throws CtrError `CONTAINER_NOT_FOUND`, `CONTAINER_AMBIGUOUS`
   */
  static async get(idOrName: string, engine?: EngineOptions): Promise<Container> {
    const paths = directories(engine);
    const core = openCore(paths);
    const { id, name } = findState(core, paths.runRoot, idOrName);
    return new Container(id, name, core, paths);
  }

  /** Containers of this user: those that run, with `all` every one there is a record of. */
  static async list(options: { all?: boolean; engine?: EngineOptions } = {}): Promise<ContainerInfo[]> {
    const paths = directories(options.engine);
    const entries = openCore(paths).listStates(paths.runRoot);
    return entries
      .filter((entry) => options.all === true || entry.status === 'running')
      .map((entry) => describe(entry));
  }

  /** PID 1 as the host sees it, `null` unless it runs. */
  get pid(): number | null {
    const entry = stateOf(this.#core, this.#directories.runRoot, this.id);
    return entry?.status === 'running' ? (entry.pid ?? null) : null;
  }

  /**
   * Runs a further process in the container. Returns at once, as `run()`.
   *
   * Rejects with `CONTAINER_NOT_RUNNING`, `COMMAND_NOT_FOUND`, `NOT_EXECUTABLE`, `BAD_USER`.
   */
  exec(command: string[], options?: ExecOptions & ProcessOptions & { encoding?: 'utf8' | undefined }): Process<string>;
  exec(command: string[], options: ExecOptions & ProcessOptions & { encoding: 'bytes' }): Process<Uint8Array>;
  exec(command: string[], options: ExecOptions & ProcessOptions = {}): Process<string | Uint8Array> {
    const core = this.#core;
    const { id } = this;
    return new Process(options, {
      openStdio: (modes) => {
        validateExec(command, options);
        validateProcess(options);
        return core.openStdio(modes);
      },
      launch: launchWith(
        async () => {
          const record = recordOf(findState(core, this.#directories.runRoot, id));
          const exec = await execRequest(core, record, command, options);
          const request = { stateRoot: this.#directories.runRoot, id, exec };
          return { id, begin: (stdio) => core.exec(request, stdio) };
        },
        () => core,
      ),
    });
  }

  /** Signals PID 1. Default SIGKILL, which ends the container. */
  async kill(signal: Signal = 'SIGKILL'): Promise<void> {
    const number = signalNumber(signal);
    if (this.#launched !== undefined) this.#launched.signal(number, number === 9);
    else this.#core.signalState(this.#directories.runRoot, this.id, number);
  }

  /** How the container ended, once it has. One of another process is looked at every 50 ms. */
  async wait(options: { signal?: AbortSignal } = {}): Promise<Exit> {
    if (this.#launched !== undefined) return toExit(await this.#launched.exited);
    for (;;) {
      options.signal?.throwIfAborted();
      const entry = stateOf(this.#core, this.#directories.runRoot, this.id);
      const exit = entry === undefined ? null : describe(entry).exit;
      if (exit !== null) return exit;
      if (entry === undefined || entry.status === 'dead') {
        return { exitCode: null, signal: null, oomKilled: false, reason: 'runtime-lost' };
      }
      await delay(POLL_MS);
    }
  }

  /** What is known about the container. */
  async inspect(): Promise<ContainerInfo> {
    return describe(findState(this.#core, this.#directories.runRoot, this.id));
  }

  /** What the container is made of, seen from outside and from inside. */
  async explain(): Promise<Explanation> {
    const entry = findState(this.#core, this.#directories.runRoot, this.id);
    return explainContainer(this.#core, this.#directories.runRoot, entry);
  }

  /**
   * Removes what is left of the container.
   *
   * @throws CtrError `CONTAINER_RUNNING` unless `force`, which kills it first
   */
  async remove({ force = false }: { force?: boolean } = {}): Promise<void> {
    const { runRoot } = this.#directories;
    const entry = stateOf(this.#core, runRoot, this.id);
    if (entry === undefined) return;
    if (entry.status === 'running' || entry.status === 'created') {
      if (!force) {
        throw new CtrError('CONTAINER_RUNNING', `container ${entry.name ?? this.id.slice(0, 12)} runs`, {
          hint: 'kill it first, or remove it by force (rm -f)',
        });
      }
      await this.kill('SIGKILL').catch((error: unknown) => {
        // It has ended in the meantime.
        if (!(error instanceof CtrError && error.code === 'CONTAINER_NOT_RUNNING')) throw error;
      });
      await this.#gone((status) => status === 'stopped' || status === 'dead');
    }
    const left = stateOf(this.#core, runRoot, this.id);
    if (left === undefined) return;
    const { writableLayer } = describe(left);
    if (writableLayer !== null) await this.#core.removeTree(writableLayer);
    this.#core.removeState(runRoot, this.id);
  }

  /** Kills the container and waits until nothing of it is left. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove({ force: true }).catch(() => {});
  }

  /** Waits until the record says so or is gone. */
  async #gone(fits: (status: string) => boolean): Promise<void> {
    const deadline = performance.now() + CLEAN_MS;
    for (;;) {
      const entry = stateOf(this.#core, this.#directories.runRoot, this.id);
      if (entry === undefined || fits(entry.status)) return;
      if (performance.now() > deadline) {
        throw new CtrError('CONTAINER_RUNNING', `container ${this.id.slice(0, 12)} does not end`, {
          hint: 'its owner may be stopped; try again',
        });
      }
      await delay(2);
    }
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
