/**
 * Interactive containers at a real terminal. What is expected is what docker 20.10 did at the same
 * keys, but where ts/cli/README.md says that we differ.
 */
import { publishBuild } from '@ctr-ts/dev/publish';
import { findTestUser, spawnOptionsOf, testUserNames } from '@ctr-ts/dev/test-users';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { eventually, execute } from './support/command.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { hasTmux, Terminal, type TerminalOptions } from './support/tmux.ts';

const missing = hasTmux ? '' : ' (needs tmux)';

describe.skipIf(missing !== '').each([
  { who: 'root', user: undefined },
  { who: 'a user with subordinate ids', user: testUserNames.withSubordinateIds },
])(`a terminal of $who${missing}`, ({ user }) => {
  let ctr: string;
  let as: TerminalOptions['as'];
  let before: Machine;
  let terminal: Terminal;
  let count = 0;
  const names: string[] = [];

  beforeAll(async () => {
    ctr = (await publishBuild()).cli;
    before = snapshot();
    if (user === undefined) return;
    const found = findTestUser(user);
    if (found === undefined) throw new Error(`no user ${user}: run npm test once as root`);
    as = spawnOptionsOf(found);
  }, 180_000);

  beforeEach(async () => {
    terminal = new Terminal({ as });
    await terminal.prompt();
  });

  afterEach(async () => {
    terminal[Symbol.dispose]();
    for (const name of names.splice(0)) await command('rm', '-f', name);
  });

  afterAll(async () => {
    expect(await leftSince(before)).toEqual([]);
  });

  /** A command of its own, away from the terminal. */
  const command = (...args: string[]) => execute(ctr, args, as);

  function newName(): string {
    count += 1;
    const name = `terminal-${process.pid}-${count}`;
    names.push(name);
    return name;
  }

  /** Starts a shell in a container and waits for its prompt. */
  async function enter(flags = '--rm'): Promise<void> {
    await terminal.clear();
    terminal.line(`${ctr} run ${flags} -it -e 'PS1=IN> ' host: bash --norc`);
    await terminal.prompt('IN>');
  }

  /** What a line prints, inside or outside. */
  async function answer(line: string, pattern: RegExp): Promise<string> {
    await terminal.clear();
    terminal.line(line);
    return (await terminal.until(pattern))[1] ?? '';
  }

  /** The exit status of the last line outside. */
  async function status(): Promise<string> {
    await terminal.prompt();
    return await answer('echo st=$?', /st=(\d+)/);
  }

  const statusOf = async (name: string): Promise<string> => {
    const { stdout } = await command('inspect', name);
    return (JSON.parse(stdout) as { status: string }[])[0]?.status ?? 'gone';
  };

  test('is the process’s own, of this size and kind, and its exit code is docker’s', async () => {
    const settings = await answer('stty -g', /\n([0-9a-f:]{20,})/);
    await enter();
    expect(await answer('tty; stty size', /\n(\/dev\/pts\/\d+\n\d+ \d+)/)).toMatch(/\n24 80$/);
    expect(await answer('test -t 0 && test -t 1 && test -t 2; echo $? $TERM', /\n(0 \w+)/)).toBe(
      '0 xterm',
    );
    terminal.resize(101, 31);
    await eventually('the new size', async () => {
      return (await answer('stty size', /\n(\d+ \d+)/)) === '31 101';
    });
    terminal.line('exit 7');
    expect(await status()).toBe('7');
    expect(await answer('stty -g', /\n([0-9a-f:]{20,})/)).toBe(settings);
  });

  test('Ctrl-C and Ctrl-\\ end what runs, not the shell', async () => {
    await enter();
    terminal.line('sleep 1000');
    await terminal.until(/sleep 1000\n?/);
    await eventually('the end of sleep', async () => {
      terminal.press('C-c');
      return /\^C\nIN>$/.test(terminal.screen());
    });
    expect(await answer('echo c=$?', /c=(\d+)/)).toBe('130');
    await terminal.clear();
    terminal.line('sleep 1000');
    await terminal.until(/sleep 1000/);
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.press('C-\\');
    await terminal.until(/Quit/);
    expect(await answer('echo c=$?', /c=(\d+)/)).toBe('131');
    terminal.press('C-d');
    expect(await status()).toBe('0');
  });

  test('Ctrl-Z stops a job inside, and fg resumes it', async () => {
    await enter();
    terminal.line('sleep 1000');
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.press('C-z');
    await terminal.until(/Stopped +sleep 1000/);
    expect(await answer('jobs', /(Stopped)/)).toBe('Stopped');
    await terminal.clear();
    terminal.line('fg');
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.press('C-c');
    await terminal.prompt('IN>');
    expect(await answer('echo c=$?', /c=(\d+)/)).toBe('130');
    terminal.line('exit');
    await terminal.prompt();
  });

  test('the detach keys leave it running, attach comes back, and it is a container like others', async () => {
    const name = newName();
    const settings = await answer('stty -g', /\n([0-9a-f:]{20,})/);
    await enter(`--name ${name}`);
    expect(await answer('kept=yes; echo set', /\n(set)/)).toBe('set');
    await terminal.clear();
    terminal.press('C-p', 'C-q');
    await terminal.until(/read escape sequence\n +next: ctr-ts attach terminal-/);
    expect(await status()).toBe('0');
    expect(await answer('stty -g', /\n([0-9a-f:]{20,})/)).toBe(settings);
    expect((await command('ps')).stdout).toContain(name);
    expect((await command('exec', name, 'echo', 'inside')).stdout).toBe('inside\n');

    await terminal.clear();
    terminal.resize(90, 28);
    terminal.line(`${ctr} attach ${name}`);
    // The prompt is drawn anew: nothing was typed.
    await terminal.prompt('IN>');
    expect(await answer('echo $kept $(stty size)', /\n(yes \d+ \d+)/)).toBe('yes 28 90');
    expect(await command('attach', '--no-stdin', name)).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('TERMINAL_BUSY'),
    });
    terminal.line('exit 5');
    expect(await status()).toBe('5');
    expect(await statusOf(name)).toBe('stopped');
    expect((await command('wait', name)).stdout).toBe('5\n');
    expect((await command('attach', '--no-stdin', name)).stderr).toContain('CONTAINER_NOT_RUNNING');
  });

  test('what is left can be stopped, killed and removed', async () => {
    const name = newName();
    const leave = async (): Promise<void> => {
      terminal.press('C-p', 'C-q');
      await terminal.until(/read escape sequence/);
      await terminal.prompt();
    };
    await enter(`--name ${name}`);
    await leave();
    // An interactive shell ignores SIGTERM.
    expect(await command('stop', '-t', '1', name)).toMatchObject({
      stdout: `${name}\n`,
      stderr: '',
    });
    expect(await statusOf(name)).toBe('stopped');
    expect((await command('wait', name)).stdout).toBe('137\n');
    await command('rm', name);

    await enter(`--name ${name}`);
    await leave();
    expect(await command('stop', '-s', 'HUP', name)).toMatchObject({ exitCode: 0 });
    expect((await command('wait', name)).stdout).toBe('129\n');
    await command('rm', name);

    await enter(`--name ${name} --rm`);
    await leave();
    expect(await command('kill', name)).toMatchObject({ exitCode: 0 });
    await eventually('its end', async () => !(await command('ps', '-a')).stdout.includes(name));

    await enter(`--name ${name}`);
    await leave();
    expect(await command('rm', name)).toMatchObject({ exitCode: 125 });
    expect(await command('rm', '-f', name)).toMatchObject({ exitCode: 0 });
  });

  test('other detach keys can be given, and a beginning of them is passed on', async () => {
    const name = newName();
    await enter(`--rm --name ${name} --detach-keys ctrl-a,d`);
    await terminal.clear();
    // Ctrl-A is the shell's own way to the beginning of the line.
    terminal.press('x', 'C-a', 'e', 'c', 'h', 'o', 'Space', 'Enter');
    await terminal.until(/\nx\nIN>$/);
    terminal.press('C-a', 'd');
    await terminal.until(/read escape sequence/);
    expect(await status()).toBe('0');
  });

  test('exec is interactive too, and its exit code is its own', async () => {
    const name = newName();
    await enter(`--rm --name ${name}`);
    terminal.press('C-p', 'C-q');
    await terminal.until(/read escape sequence/);
    await terminal.clear();
    terminal.line(`${ctr} exec -it -e 'PS1=EX> ' ${name} bash --norc`);
    await terminal.prompt('EX>');
    expect(
      await answer('tty; stty size; echo $TERM', /\n(\/dev\/pts\/\d+\n24 80\nxterm)/),
    ).toBeTruthy();
    // Not the terminal of PID 1, and the detach keys are keys like others.
    expect(await answer('test $(tty) = $(readlink /proc/1/fd/0); echo =$?', /=(\d)/)).toBe('1');
    terminal.press('C-p', 'C-q', 'C-u');
    terminal.line('sleep 1000');
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.press('C-c');
    await terminal.prompt('EX>');
    terminal.line('exit 3');
    expect(await status()).toBe('3');
    expect((await command('ps')).stdout).toContain(name);
    // Without -t there is no terminal, whatever the container has.
    expect((await command('exec', name, 'sh', '-c', 'tty; echo =$TERM=')).stdout).toBe(
      'not a tty\n==\n',
    );
  });

  test('what is typed before it runs is for it, or for the shell when it does not', async () => {
    await terminal.clear();
    terminal.line(`${ctr} run --rm -it -e 'PS1=IN> ' host: bash --norc`);
    terminal.line('echo early=$((40+2))');
    await terminal.until(/early=42/);
    await terminal.prompt('IN>');
    terminal.line('exit');
    await terminal.prompt();
    await terminal.clear();
    terminal.line(`${ctr} run --rm -it host: no-such-program`);
    terminal.line('echo typed=$((40+2)) st=$?');
    await terminal.until(/COMMAND_NOT_FOUND[\s\S]*typed=42 st=127/);
  });

  test('a stdin that is no terminal is refused, in docker’s words', async () => {
    await terminal.clear();
    terminal.line(`echo x | ${ctr} run --rm -it host: cat`);
    await terminal.until(/the input device is not a TTY/);
    expect(await answer('echo st=$?', /st=(\d+)/)).toBe('1');
  });

  test('-t alone: it has a terminal, and Ctrl-C is a signal that we pass on', async () => {
    await terminal.clear();
    terminal.line(
      `${ctr} run --rm -t host: sh -c 'trap "echo got; exit 9" INT; echo up; while :; do sleep 0.1; done'`,
    );
    await terminal.until(/^up$/m);
    terminal.press('C-c');
    await terminal.until(/got/);
    expect(await status()).toBe('9');
    const piped = `${ctr} run --rm -t host: sh -c 'tty; stty size' | cat; echo st=$?`;
    expect(await answer(piped, /\n(\/dev\/pts\/\d+\n24 80\nst=0)/)).toBeTruthy();
  });

  test('a closed window leaves it running, as docker does', async () => {
    const name = newName();
    terminal.window();
    await terminal.prompt();
    // dash as PID 1 has no handler for SIGHUP, so that the kernel drops it.
    terminal.line(`${ctr} run --name ${name} -it -e 'PS1=IN> ' host: dash`);
    await terminal.prompt('IN>');
    terminal.close();
    await eventually('our end', async () => (await processesOf(name)).length === 0);
    expect(await statusOf(name)).toBe('running');
    await terminal.clear();
    terminal.line(`${ctr} attach ${name}`);
    await eventually('its prompt', () => {
      terminal.line('');
      return /IN>$/.test(terminal.screen());
    });
    terminal.line('exit 0');
    expect(await status()).toBe('0');
  });

  test('a CLI that is killed takes its container along, and the shell goes on', async () => {
    const name = newName();
    await enter(`--rm --name ${name}`);
    const [pid = 0] = await processesOf(name);
    process.kill(pid, 'SIGKILL');
    await eventually('its end', async () => !(await command('ps', '-a')).stdout.includes(name));
    terminal.line('stty sane');
    await terminal.prompt();
    expect(await answer('echo alive=$((40+2))', /alive=(\d+)/)).toBe('42');
  });

  test('an attached CLI that is killed only lets go', async () => {
    const name = newName();
    await enter(`--rm --name ${name}`);
    terminal.press('C-p', 'C-q');
    await terminal.until(/read escape sequence/);
    await terminal.clear();
    terminal.line(`${ctr} attach ${name}`);
    await terminal.prompt('IN>');
    const [pid = 0] = await processesOf(`attach ${name}`);
    process.kill(pid, 'SIGTERM');
    expect(await status()).toBe('143');
    expect(await statusOf(name)).toBe('running');
    await terminal.clear();
    terminal.line(`${ctr} attach ${name}`);
    await terminal.prompt('IN>');
    terminal.line('exit');
    await terminal.prompt();
  });

  test('the terminal comes back when the launcher dies', async () => {
    const name = newName();
    const settings = await answer('stty -g', /\n([0-9a-f:]{20,})/);
    await enter(`--rm --name ${name}`);
    const [pid = 0] = await processesOf(name);
    for (const child of await childrenOf(pid)) process.kill(child, 'SIGKILL');
    await terminal.until(/RUNTIME_LOST/);
    expect(await status()).toBe('125');
    expect(await answer('stty -g', /\n([0-9a-f:]{20,})/)).toBe(settings);
  });

  test('in the background it waits for the foreground', async () => {
    await terminal.clear();
    terminal.line(`${ctr} run --rm -it -e 'PS1=IN> ' host: bash --norc &`);
    await terminal.until(/\[1\] \d+/);
    await eventually('a stopped job', async () =>
      /Stopped/.test(await answer('jobs', /(\[1\].*)/)),
    );
    terminal.line('fg');
    await terminal.prompt('IN>');
    expect(await answer('echo fine=$((40+2))', /fine=(\d+)/)).toBe('42');
    terminal.line('exit 4');
    expect(await status()).toBe('4');
  });

  test('a stopped CLI that is resumed has the terminal again', async () => {
    const name = newName();
    await enter(`--rm --name ${name}`);
    const [pid = 0] = await processesOf(name);
    process.kill(pid, 'SIGSTOP');
    await terminal.until(/Stopped/);
    await terminal.prompt();
    expect(await answer('echo outside=$((40+2))', /outside=(\d+)/)).toBe('42');
    await terminal.clear();
    terminal.line('fg');
    await terminal.prompt('IN>');
    terminal.line('sleep 1000');
    await new Promise((resolve) => setTimeout(resolve, 300));
    terminal.press('C-c');
    await terminal.prompt('IN>');
    terminal.line('exit 6');
    expect(await status()).toBe('6');
  });

  test('without a terminal every signal is passed on, Ctrl-Z too', async () => {
    await terminal.clear();
    const traps = ['USR1', 'USR2', 'QUIT', 'WINCH', 'TSTP', 'CONT', 'HUP', 'ALRM']
      .map((signal) => `trap "echo got-${signal}" ${signal}`)
      .join('; ');
    const name = newName();
    const script = `${traps}; trap "exit 8" TERM; echo up; while :; do sleep 0.1; done`;
    terminal.line(`${ctr} run --rm --name ${name} host: sh -c '${script}'`);
    await terminal.until(/^up$/m);
    const [pid = 0] = await processesOf(name);
    for (const signal of ['USR1', 'USR2', 'QUIT', 'WINCH', 'CONT', 'HUP', 'ALRM'] as const) {
      process.kill(pid, `SIG${signal}`);
      await terminal.until(new RegExp(`got-${signal}`));
    }
    terminal.press('C-z');
    await terminal.until(/got-TSTP/);
    process.kill(pid, 'SIGTERM');
    expect(await status()).toBe('8');
  });

  test('with --sig-proxy=false signals are ours, and a terminal is left', async () => {
    const name = newName();
    await enter(`--name ${name} --sig-proxy=false`);
    const [pid = 0] = await processesOf(name);
    process.kill(pid, 'SIGTERM');
    expect(await status()).toBe('143');
    expect(await statusOf(name)).toBe('running');
  });

  /** Processes of ctr-ts whose command line has this. */
  async function processesOf(text: string): Promise<number[]> {
    const { stdout } = await execute('ps', ['-eo', 'pid=,args=']);
    return stdout
      .split('\n')
      .filter((line) => line.includes(text) && line.includes('ctr-ts.js'))
      .map((line) => Number.parseInt(line, 10));
  }

  async function childrenOf(pid: number): Promise<number[]> {
    const { stdout } = await execute('ps', ['-o', 'pid=', '--ppid', String(pid)]);
    return stdout.split('\n').filter(Boolean).map(Number);
  }
});
