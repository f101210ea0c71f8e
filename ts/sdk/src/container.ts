/** A container that is held open: made once, used by any number of processes. */

import { withCidFile } from './cid-file.ts';
import { type Core, openCore } from './core.ts';
import { Deadline, type DeadlineOptions, MAX_DELAY_MS } from './deadline.ts';
import { CtrError } from './errors.ts';
import { execRequest } from './exec.ts';
import { type Explanation, explainContainer } from './explain.ts';
import { type Exit, launchWith, type Running } from './launch.ts';
import type {
  AttachOptions,
  ContainerOptions,
  EngineOptions,
  ExecOptions,
  ProcessOptions,
} from './options.ts';
import { type Directories, directories } from './paths.ts';
import { type Prepared, prepareContainer } from './prepare.ts';
import { Process } from './process.ts';
import type { ContainerRecord } from './record.ts';
import { removeContainer } from './remove.ts';
import { type ShellValue, shellScript } from './shell.ts';
import { SIGKILL, type Signal, signalNumber } from './signals.ts';
import { type ContainerInfo, describe, findState, recordOf, stateOf } from './states.ts';
import { type StopOptions, stopContainer } from './stop.ts';
import { validateExec, validateProcess } from './validate.ts';
import { waitForRecord } from './wait.ts';

/** What {@link Container.create} takes; `timeoutMs` bounds the creation only. */
export type CreateOptions = ContainerOptions & DeadlineOptions;

/** What {@link Container.exec} takes. */
export type ContainerExecOptions = ExecOptions & ProcessOptions;

/** What a container that this process created is known by. */
interface Own {
  record: ContainerRecord;
  running: Running;
}

/** A container. Dies with the process that created it. */
export class Container {
  readonly id: string;
  readonly name: string | null;
  readonly #core: Core;
  readonly #directories: Directories;
  /** Set where this process created it. */
  readonly #own: Own | undefined;

  private constructor(
    { id, name }: { id: string; name?: string | null | undefined },
    core: Core,
    paths: Directories,
    own?: Own,
  ) {
    this.id = id;
    this.name = name ?? null;
    this.#core = core;
    this.#directories = paths;
    this.#own = own;
  }

  /**
   * Makes a container and waits until it runs. Without a command its PID 1 is our own init, which
   * only reaps. Its output goes nowhere. It alone does not keep Node alive.
   *
   * @throws CtrError as `run()` rejects
   */
  static async create(options: CreateOptions): Promise<Container> {
    validateProcess(options);
    const deadline = new Deadline(options);
    try {
      deadline.signal.throwIfAborted();
      const paths = directories(options.engine);
      const core = openCore(paths);
      // ORDER: before anything is prepared, for that is held until it has started or is let go.
      const { handle } = core.openStdio({ stdin: 'null', stdout: 'null', stderr: 'null' });
      const prepared = Promise.withResolvers<Prepared>();
      const launch = launchWith(
        async (giveUp) => {
          const init = options.command === undefined;
          const container = await prepareContainer(options, init, giveUp);
          prepared.resolve(container);
          const { request, release } = container;
          const begin = (stdio: number) => core.launch(request, stdio);
          return withCidFile(options.cidFile, core, { id: request.id, begin, settled: release });
        },
        () => core,
      );
      const running = await launch(handle, deadline.signal);
      running.unref();
      const { request, record } = await prepared.promise;
      return new Container(request, core, paths, { record, running });
    } finally {
      deadline.disarm();
    }
  }

  /**
   * A container of any process of this user, by id, name or a prefix of the id.
   *
   * @throws CtrError `CONTAINER_NOT_FOUND`, `CONTAINER_AMBIGUOUS`
   */
  static async get(idOrName: string, engine?: EngineOptions): Promise<Container> {
    const paths = directories(engine);
    const core = openCore(paths);
    return new Container(findState(core, paths.runRoot, idOrName), core, paths);
  }

  /** Containers of this user, oldest first: those that run, with `all` every one on record. */
  static async list(
    options: { all?: boolean | undefined; engine?: EngineOptions | undefined } = {},
  ): Promise<ContainerInfo[]> {
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
   * Rejects with `CONTAINER_NOT_RUNNING`, `COMMAND_NOT_FOUND`, `COMMAND_NOT_EXECUTABLE`,
   * `USER_NOT_FOUND`.
   *
   * @example
   * const { stdout } = await container.exec(['npm', 'test'], { workdir: '/src' });
   */
  exec(
    command: string[],
    options: ContainerExecOptions & { encoding: 'bytes' },
  ): Process<Uint8Array>;
  exec(
    command: string[],
    options?: ContainerExecOptions & { encoding?: 'utf8' | undefined },
  ): Process<string>;
  exec(command: string[], options?: ContainerExecOptions): Process<string | Uint8Array>;
  exec(command: string[], options: ContainerExecOptions = {}): Process<string | Uint8Array> {
    const core = this.#core;
    const { id } = this;
    const stateRoot = this.#directories.runRoot;
    return new Process(options, {
      openStdio: (modes) => {
        validateExec(command, options);
        validateProcess(options);
        return core.openStdio(modes);
      },
      launch: launchWith(
        async () => {
          const record = this.#own?.record ?? recordOf(findState(core, stateRoot, id));
          const exec = await execRequest(core, record, command, options);
          return { id, kind: 'guest', begin: (stdio) => core.exec({ stateRoot, id, exec }, stdio) };
        },
        () => core,
      ),
    });
  }

  /**
   * Connects to the terminal of the container's PID 1, one client at a time. The Process is PID 1:
   * `stdin`, `stdout` and `resize()` are its terminal's, the result is its end. Neither giving up
   * nor disposing ends the container: it is let go, as with `detach()`.
   *
   * Rejects with `CONTAINER_NOT_RUNNING`, `NO_TERMINAL`, `TERMINAL_BUSY`.
   */
  attach(options: AttachOptions & { encoding: 'bytes' }): Process<Uint8Array>;
  attach(options?: AttachOptions & { encoding?: 'utf8' | undefined }): Process<string>;
  attach(options: AttachOptions = {}): Process<string | Uint8Array> {
    const [core, stateRoot, id] = [this.#core, this.#directories.runRoot, this.id];
    const connected: ProcessOptions = { ...options, terminal: options.terminal ?? true };
    return new Process<string | Uint8Array>(connected, {
      keepsInput: true,
      openStdio: (modes) => {
        validateProcess(connected);
        return core.openStdio(modes);
      },
      launch: launchWith(
        async () => ({
          id,
          kind: 'attached',
          begin: (stdio) => core.attachTerminal({ stateRoot, id }, stdio),
        }),
        () => core,
      ),
    });
  }

  /**
   * Runs a line of sh(1) in the container. Values are quoted: each is one word, an array one word
   * per element.
   *
   * @example
   * await container.$`tar -xf ${file} && ls ${directories}`;
   */
  $(texts: TemplateStringsArray, ...values: ShellValue[]): Process<string> {
    return this.exec(['sh', '-c', shellScript(texts, values)]);
  }

  /** Signals PID 1. Default SIGKILL, which ends the container. */
  async kill(signal: Signal = 'SIGKILL'): Promise<void> {
    const number = signalNumber(signal);
    if (this.#own !== undefined) this.#own.running.signal(number, number === SIGKILL);
    else this.#core.signalState(this.#directories.runRoot, this.id, number);
  }

  /**
   * Asks the container to end, and kills it when it does not in time. Of one that has ended already
   * this is no error.
   *
   * @throws CtrError `INVALID_ARGUMENT`, `CONTAINER_NOT_FOUND`
   */
  async stop(options: StopOptions = {}): Promise<void> {
    const entry = findState(this.#core, this.#directories.runRoot, this.id);
    if (entry.status !== 'running') return;
    const { settings } = recordOf(entry);
    const { stopSignal, stopTimeoutMs } = settings ?? {};
    const own = stopTimeoutMs === -1 ? Number.POSITIVE_INFINITY : (stopTimeoutMs ?? undefined);
    await stopContainer(this, {
      signal: options.signal ?? stopSignal,
      timeoutMs: options.timeoutMs ?? own,
    });
  }

  /**
   * How the container ended, once it has. One of another process is looked at every 50 ms, and
   * its end is known only if it is kept (`remove: false`). Keeps Node alive meanwhile.
   *
   * @throws CtrError `ABORTED`
   */
  async wait({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<Exit> {
    const deadline = new Deadline({ signal });
    // A container of our own does not hold the event loop: whoever waits for it does.
    const held = setInterval(() => {}, MAX_DELAY_MS);
    const given = new Promise<never>((_, reject) => {
      const giveUp = (): void => reject(deadline.signal.reason);
      if (deadline.signal.aborted) giveUp();
      else deadline.signal.addEventListener('abort', giveUp);
    });
    try {
      const ended = this.#own?.running.exited ?? waitForRecord(this.#look, deadline.signal);
      return await Promise.race([ended, given]);
    } finally {
      clearInterval(held);
      deadline.disarm();
    }
  }

  /** What is known about the container; throws `CONTAINER_NOT_FOUND` when nothing is left of it. */
  async inspect(): Promise<ContainerInfo> {
    return describe(findState(this.#core, this.#directories.runRoot, this.id));
  }

  /** What the running container is made of, seen from outside and from inside. */
  async explain(): Promise<Explanation> {
    const { runRoot } = this.#directories;
    const entry = findState(this.#core, runRoot, this.id);
    if (entry.status === 'running') return explainContainer(this.#core, runRoot, entry);
    throw new CtrError('CONTAINER_NOT_RUNNING', `container ${this.#label} does not run`, {
      hint: 'to see what would be done, explain a plan: ctr-ts explain --plan IMAGE',
    });
  }

  /**
   * Removes what is left of the container; what is gone already is no error.
   *
   * @throws CtrError `CONTAINER_RUNNING` unless `force`, which kills it first
   */
  async remove({ force = false }: { force?: boolean | undefined } = {}): Promise<void> {
    await removeContainer({
      core: this.#core,
      stateRoot: this.#directories.runRoot,
      id: this.id,
      label: this.#label,
      kill: force ? () => this.kill('SIGKILL') : undefined,
    });
  }

  /** Kills the container and waits until nothing of it is left. Never throws. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove({ force: true }).catch(() => {});
  }

  readonly #look = () => stateOf(this.#core, this.#directories.runRoot, this.id);

  get #label(): string {
    return this.name ?? this.id.slice(0, 12);
  }
}
