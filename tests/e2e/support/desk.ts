/** Somebody at a terminal with the packed `ctr-ts`: what the tests of interactive containers share. */
import { publishBuild } from '@ctr-ts/dev/publish';
import { findTestUser, spawnOptionsOf, testUserNames } from '@ctr-ts/dev/test-users';

import { type Ended, execute } from './command.ts';
import { Terminal, type TerminalOptions } from './tmux.ts';

/** Who sits there. */
export const sitters = [
  { who: 'root', user: undefined },
  { who: 'a user with subordinate ids', user: testUserNames.withSubordinateIds },
] as const;

/** How long a program needs until keys are meant for it. */
const READY_MS = 300;

export class Desk {
  /** Absolute path of the installed `ctr-ts`. */
  readonly ctr: string;
  readonly #as: TerminalOptions['as'];
  readonly #names: string[] = [];
  #terminal: Terminal | undefined;
  #count = 0;

  private constructor(ctr: string, as: TerminalOptions['as']) {
    this.ctr = ctr;
    this.#as = as;
  }

  /** The desk of a test user, or of root. */
  static async of(user: string | undefined): Promise<Desk> {
    const { cli } = await publishBuild();
    if (user === undefined) return new Desk(cli, undefined);
    const found = findTestUser(user);
    if (found === undefined) throw new Error(`no user ${user}: run npm test once as root`);
    return new Desk(cli, spawnOptionsOf(found));
  }

  /** A fresh terminal with a shell at its prompt. */
  async sit(): Promise<Terminal> {
    this.#terminal = new Terminal({ as: this.#as });
    await this.#terminal.prompt();
    return this.#terminal;
  }

  /** Ends the terminal and every container that was named here. */
  async tidy(): Promise<void> {
    this.#terminal?.[Symbol.dispose]();
    for (const name of this.#names.splice(0)) await this.command('rm', '-f', name);
  }

  /** `ctr-ts` away from the terminal. */
  command(...args: string[]): Promise<Ended> {
    return execute(this.ctr, args, this.#as);
  }

  /** A name for a container, which {@link tidy} removes. */
  newName(): string {
    this.#count += 1;
    const name = `terminal-${process.pid}-${this.#count}`;
    this.#names.push(name);
    return name;
  }

  /** Starts a shell in a container and waits for its prompt. */
  async enter(flags = '--rm', name = this.newName()): Promise<void> {
    await this.#at.clear();
    this.#at.line(`${this.ctr} run --name ${name} ${flags} -it -e 'PS1=IN> ' host: bash --norc`);
    await this.#at.prompt('IN>');
  }

  /** Leaves the container with docker's keys. */
  async leave(): Promise<void> {
    this.#at.press('C-p', 'C-q');
    await this.#at.until(/read escape sequence/);
    await this.#at.prompt();
  }

  /** What a line prints, inside or outside: the pattern's first group. */
  async answer(line: string, pattern: RegExp): Promise<string> {
    await this.#at.clear();
    this.#at.line(line);
    return (await this.#at.until(pattern))[1] ?? '';
  }

  /** The exit status of the last line outside. */
  async status(): Promise<string> {
    await this.#at.prompt();
    return await this.answer('echo st=$?', /st=(\d+)/);
  }

  /** All settings of the terminal, as stty(1) writes them for itself. */
  settings(): Promise<string> {
    return this.answer('stty -g', /\n([0-9a-f:]{20,})/);
  }

  /** Types a line whose program is then ready for keys. */
  async start(line: string): Promise<void> {
    this.#at.line(line);
    await new Promise((resolve) => setTimeout(resolve, READY_MS));
  }

  async statusOf(name: string): Promise<string> {
    const { stdout } = await this.command('inspect', name);
    return (JSON.parse(stdout) as { status: string }[])[0]?.status ?? 'gone';
  }

  /** Whether a container is on record. */
  async exists(name: string): Promise<boolean> {
    return (await this.command('ps', '-a')).stdout.includes(name);
  }

  get #at(): Terminal {
    if (this.#terminal === undefined) throw new Error('nobody sits at the desk');
    return this.#terminal;
  }
}

/** Processes of ctr-ts whose command line has this text. */
export async function processesOf(text: string): Promise<number[]> {
  const { stdout } = await execute('ps', ['-eo', 'pid=,args=']);
  return stdout
    .split('\n')
    .filter((line) => line.includes(text) && line.includes('ctr-ts.js'))
    .map((line) => Number.parseInt(line, 10));
}

export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await execute('ps', ['-o', 'pid=', '--ppid', String(pid)]);
  return stdout.split('\n').filter(Boolean).map(Number);
}
