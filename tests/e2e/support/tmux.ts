/** A terminal as a person has it: tmux with a shell, keys that are typed, a screen that is read. */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const hasTmux = existsSync('/usr/bin/tmux');

export interface TerminalOptions {
  /** As this user, with this environment. Default: as the tests. */
  as?: { uid: number; gid: number; env: Record<string, string>; cwd: string } | undefined;
  columns?: number;
  rows?: number;
}

/** The prompt of the shell outside. */
const prompt = 'OUT> ';

/** One window of a tmux server of its own. */
export class Terminal implements Disposable {
  readonly #directory: string;
  readonly #as: TerminalOptions['as'];

  constructor({ as, columns = 80, rows = 24 }: TerminalOptions = {}) {
    this.#as = as;
    // Not below a root-only home: the server may be another user's.
    this.#directory = mkdtempSync('/tmp/ctr-ts-tmux-');
    if (as !== undefined) chownSync(this.#directory, as.uid, as.gid);
    const shell = `exec env PS1='${prompt}' bash --norc --noprofile`;
    this.#tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), shell);
  }

  /** Types text and Enter. */
  line(text: string): void {
    if (text !== '') this.#tmux('send-keys', '-l', '--', text);
    this.#tmux('send-keys', 'Enter');
  }

  /** Pastes text, faster than anybody types. */
  paste(text: string): void {
    const file = join(this.#directory, 'pasted');
    writeFileSync(file, text, { mode: 0o644 });
    this.#tmux('load-buffer', file);
    this.#tmux('paste-buffer');
  }

  /** Presses keys by tmux's names, for example `C-c`. */
  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  /** All that was shown and not cleared; a line that the window broke is one line. */
  screen(): string {
    return this.#tmux('capture-pane', '-p', '-J', '-S', '-500').replace(/\s+$/gm, '').trim();
  }

  /** Waits until the screen matches. */
  async until(pattern: RegExp, withinMs = 20_000): Promise<RegExpExecArray> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const screen = this.screen();
      const match = pattern.exec(screen);
      if (match !== null) return match;
      if (Date.now() > deadline) throw new Error(`screen never matched ${pattern}:\n${screen}`);
      await sleep(50);
    }
  }

  /** Waits for a shell's prompt at the end of the screen, outside unless another is named. */
  async prompt(text = prompt.trim()): Promise<void> {
    await this.until(new RegExp(`${text}$`));
  }

  /** Forgets what was shown. */
  async clear(): Promise<void> {
    this.#tmux('send-keys', '-R');
    this.#tmux('clear-history');
    await sleep(50);
  }

  /** Changes the size of the window. */
  resize(columns: number, rows: number): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** A further window of the same server, shown from now on. */
  window(): void {
    this.#tmux('new-window', `exec env PS1='${prompt}' bash --norc --noprofile`);
  }

  /** Closes the window that is shown: what runs on it is hung up. */
  close(): void {
    this.#tmux('kill-window');
  }

  [Symbol.dispose](): void {
    try {
      this.#tmux('kill-server');
    } catch {
      // Its last window was closed.
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #tmux(...words: string[]): string {
    const { uid, gid, env, cwd } = this.#as ?? {};
    const who = uid === undefined ? {} : { uid, gid };
    const home = { ...(env ?? process.env), TERM: 'screen', LC_ALL: 'C.UTF-8' };
    const socket = join(this.#directory, 'socket');
    return execFileSync('/usr/bin/tmux', ['-S', socket, '-f', '/dev/null', ...words], {
      ...who,
      cwd: cwd ?? '/',
      env: home,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}
