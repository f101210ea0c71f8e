/** The addon as promises: one client per JavaScript environment, shared by all who ask. */

import { join } from 'node:path';
import type {
  Addon,
  AddonEvent,
  AppliedLayer,
  IdMapLine,
  LaunchRequest,
  LayerOptions,
  NativeExecRequest,
  PruneReport,
  StateEntry,
  Stdio,
  StdioModes,
  TerminalRequest,
} from './addon.ts';
import { call, fromThrown } from './failure.ts';
import { currentHolder } from './holder.ts';
import { native } from './load.ts';
import {
  type Exited,
  endedFirst,
  expectAnswer,
  expectProcess,
  type Pending,
  type Started,
} from './operation.ts';

/** The longest time a Node timer takes. */
const FOREVER_MS = 2 ** 31 - 1;

/** A process that was asked for. Both promises may be left alone: neither is ever "unhandled". */
export interface Launched {
  started: Promise<Started>;
  /** Rejects with what `started` rejects with. */
  exited: Promise<Exited>;
  /** Signals it, with `tree` all its descendants too. What has ended is not signalled. */
  signal(number: number, tree?: boolean): void;
  /** Sets the size of its terminal's window. Nothing happens without one, or after its end. */
  resize(rows: number, columns: number): void;
  /**
   * Leaves a container with a terminal to its launcher: it goes on without this process, and
   * `exited` says `detached`. One that was attached to is only let go; a further process goes on as
   * long as its container does.
   *
   * Rejects with `NO_TERMINAL` where there is none, and with `CONTAINER_NOT_RUNNING` when it ended
   * first; then nothing has changed.
   */
  detach(): Promise<void>;
  /** Lets Node exit while this runs; what it started dies then. */
  unref(): void;
}

let shared: Client | undefined;

/**
 * The client of this environment. The first call of a process decides in which run root its
 * launcher listens for other processes.
 *
 * @throws CtrError `UNSUPPORTED_PLATFORM`, `NATIVE_NOT_FOUND`, `ALREADY_CONFIGURED`
 */
export function client({ runRoot }: { runRoot: string }): Client {
  if (shared === undefined) {
    const { addon, runtimePath } = native();
    const holder = currentHolder();
    const ownerDirectory = join(runRoot, 'owners');
    const options = { runtimePath, ownerDirectory, ...(holder === undefined ? {} : { holder }) };
    call(() => addon.configure(options));
    shared = new Client(addon);
  }
  return shared;
}

export class Client {
  readonly #addon: Addon;
  readonly #sink: number;
  readonly #pending = new Map<number, Pending>();
  /** Tokens that keep Node alive. */
  readonly #held = new Set<number>();
  #alive: NodeJS.Timeout | undefined;
  #lastToken = 0;

  constructor(addon: Addon) {
    this.#addon = addon;
    this.#sink = call(() => addon.attach((event) => this.#take(JSON.parse(event) as AddonEvent)));
  }

  /** Starts the launcher if need be; which ids its user namespace maps. */
  ready(): Promise<{ uidMap: IdMapLine[]; gidMap: IdMapLine[] }> {
    return this.#ask(
      (event) =>
        event.type === 'ready' ? { uidMap: event.uidMap, gidMap: event.gidMap } : undefined,
      (token) => this.#addon.ready(this.#sink, token),
    );
  }

  openStdio(modes: StdioModes): Stdio {
    return call(() => this.#addon.openStdio(modes));
  }

  closeStdio(handle: number): void {
    this.#addon.closeStdio(handle);
  }

  /** Launches a container on the child ends of an `openStdio`, which it takes over. */
  launch(request: LaunchRequest, stdio: number): Launched {
    const text = JSON.stringify(request);
    return this.#start((token) => this.#addon.launch(this.#sink, token, text, stdio));
  }

  /** Starts a process in a running container of any owner. */
  exec(request: NativeExecRequest, stdio: number): Launched {
    const text = JSON.stringify(request);
    return this.#start((token) => this.#addon.exec(this.#sink, token, text, stdio));
  }

  /**
   * Connects a terminal's stdio to a running container of any owner. `started` rejects with
   * `TERMINAL_BUSY` while another client has it, and with `NO_TERMINAL` where there is none.
   */
  attachTerminal(request: TerminalRequest, stdio: number): Launched {
    const text = JSON.stringify(request);
    return this.#start((token) => this.#addon.attachTerminal(this.#sink, token, text, stdio));
  }

  /** Runs a role of the executable, on our own streams or on those of an `openStdio`. */
  runRole(args: string[], stdio?: number): Pick<Launched, 'exited' | 'signal' | 'unref'> {
    return this.#start((token) => this.#addon.runRole(this.#sink, token, args, stdio));
  }

  applyLayer(blob: string, directory: string, options: LayerOptions): Promise<AppliedLayer> {
    const text = JSON.stringify(options);
    return this.#done((token) => this.#addon.applyLayer(this.#sink, token, blob, directory, text));
  }

  /** Removes a tree whose files may belong to any id the launcher maps. */
  async removeTree(path: string): Promise<void> {
    await this.#done<null>((token) => this.#addon.removeTree(this.#sink, token, path));
  }

  prune(stateRoot: string): Promise<PruneReport> {
    return this.#done((token) => this.#addon.prune(this.#sink, token, stateRoot));
  }

  /** The Plan that `launch` would execute. */
  plan(request: LaunchRequest): unknown {
    return JSON.parse(call(() => this.#addon.plan(JSON.stringify(request))));
  }

  listStates(stateRoot: string): StateEntry[] {
    return JSON.parse(call(() => this.#addon.listStates(stateRoot))) as StateEntry[];
  }

  /** Signals a container whoever owns it. */
  signalState(stateRoot: string, id: string, signal: number): void {
    call(() => this.#addon.signalState(stateRoot, id, signal));
  }

  /** Removes the record of a container that has ended. */
  removeState(stateRoot: string, id: string): void {
    call(() => this.#addon.removeState(stateRoot, id));
  }

  /** Makes the terminal of our own stdin raw, or raw again. */
  enterRawMode(): void {
    call(() => this.#addon.enterRawMode());
  }

  /** Gives it back as it was before the first {@link enterRawMode}. */
  leaveRawMode(): void {
    call(() => this.#addon.leaveRawMode());
  }

  /** An operation on control groups: `{op: 'report'}` and so on. */
  cgroup(operation: { op: string; [field: string]: unknown }): unknown {
    return JSON.parse(call(() => this.#addon.cgroup(JSON.stringify(operation))));
  }

  /** Of the launcher; 0 while there is none. */
  launcherPid(): number {
    return this.#addon.launcherPid();
  }

  killLauncherForTest(): void {
    call(() => this.#addon.killLauncherForTest());
  }

  #start(submit: (token: number) => void): Launched {
    const { pending, started, exited, expectDetached } = expectProcess();
    const token = this.#submit(pending, submit);
    const whilePending = (operation: () => void): void => {
      if (this.#pending.has(token)) call(operation);
    };
    return {
      started,
      exited,
      signal: (number, tree = false) =>
        whilePending(() => this.#addon.signal(this.#sink, token, number, tree)),
      resize: (rows, columns) =>
        whilePending(() => this.#addon.resize(this.#sink, token, rows, columns)),
      detach: async () => {
        await started;
        if (!this.#pending.has(token)) throw endedFirst();
        call(() => this.#addon.detach(this.#sink, token));
        await expectDetached();
      },
      unref: () => this.#release(token),
    };
  }

  #done<T>(submit: (token: number) => void): Promise<T> {
    const read = (event: AddonEvent): T | undefined =>
      event.type === 'done' ? (event.result as T) : undefined;
    return this.#ask(read, submit);
  }

  #ask<T>(read: (event: AddonEvent) => T | undefined, submit: (token: number) => void): Promise<T> {
    const [pending, answer] = expectAnswer(read);
    this.#submit(pending, submit);
    return answer;
  }

  #submit(pending: Pending, submit: (token: number) => void): number {
    this.#lastToken += 1;
    const token = this.#lastToken;
    this.#pending.set(token, pending);
    this.#held.add(token);
    this.#alive ??= setInterval(() => {}, FOREVER_MS);
    try {
      submit(token);
    } catch (error) {
      this.#forget(token);
      pending.fail(fromThrown(error));
    }
    return token;
  }

  #take(event: AddonEvent): void {
    if (this.#pending.get(event.token)?.take(event)) this.#forget(event.token);
  }

  #forget(token: number): void {
    this.#pending.delete(token);
    this.#release(token);
  }

  #release(token: number): void {
    this.#held.delete(token);
    if (this.#held.size > 0) return;
    clearInterval(this.#alive);
    this.#alive = undefined;
  }
}
