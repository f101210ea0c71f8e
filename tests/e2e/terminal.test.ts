/**
 * Interactive containers at a real terminal. What is expected is what docker 20.10 did at the same
 * keys, but where ts/cli/README.md says that we differ.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { eventually } from './support/command.ts';
import { Desk, processesOf, sitters } from './support/desk.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { hasTmux, type Terminal } from './support/tmux.ts';

const missing = hasTmux ? '' : ' (needs tmux)';

describe.skipIf(missing !== '').each(sitters)(`a terminal of $who${missing}`, ({ user }) => {
  let desk: Desk;
  let before: Machine;
  let terminal: Terminal;

  beforeAll(async () => {
    desk = await Desk.of(user);
    before = snapshot();
  }, 180_000);
  beforeEach(async () => {
    terminal = await desk.sit();
  });
  afterEach(() => desk.tidy());
  afterAll(async () => {
    expect(await leftSince(before)).toEqual([]);
  });

  test('is the process’s own, of this size and kind, and its exit code is docker’s', async () => {
    const settings = await desk.settings();
    await desk.enter();
    const size = await desk.answer('tty; stty size', /\n(\/dev\/pts\/\d+\n\d+ \d+)/);
    expect(size).toMatch(/\n24 80$/);
    const all = 'test -t 0 && test -t 1 && test -t 2; echo $? $TERM';
    expect(await desk.answer(all, /\n(0 \w+)/)).toBe('0 xterm');
    terminal.resize(101, 31);
    await eventually('the new size', async () => {
      return (await desk.answer('stty size', /\n(\d+ \d+)/)) === '31 101';
    });
    terminal.line('exit 7');
    expect(await desk.status()).toBe('7');
    expect(await desk.settings()).toBe(settings);
  });

  test('output is shown as it is: a line feed alone only moves down', async () => {
    await desk.enter();
    await terminal.clear();
    terminal.line("stty -opost; printf 'one\\ntwo\\r\\n'; stty opost");
    await terminal.until(/\none\n {3}two\n/);
    terminal.line('exit');
    await terminal.prompt();
  });

  test.each(['', ' --init'])('Ctrl-C and Ctrl-\\ end what runs, not the shell:%s', async (init) => {
    await desk.enter(`--rm${init}`);
    await desk.start('sleep 1000');
    terminal.press('C-c');
    await terminal.until(/\^C\nIN>$/);
    expect(await desk.answer('echo c=$?', /c=(\d+)/)).toBe('130');
    await desk.start('sleep 1000');
    terminal.press('C-\\');
    await terminal.until(/Quit/);
    expect(await desk.answer('echo c=$?', /c=(\d+)/)).toBe('131');
    terminal.press('C-d');
    expect(await desk.status()).toBe('0');
  });

  test.each(['', ' --init'])('Ctrl-Z stops a job inside, and fg resumes it:%s', async (init) => {
    await desk.enter(`--rm${init}`);
    await desk.start('sleep 1000');
    terminal.press('C-z');
    await terminal.until(/Stopped +sleep 1000/);
    expect(await desk.answer('jobs', /(Stopped)/)).toBe('Stopped');
    await desk.start('fg');
    terminal.press('C-c');
    await terminal.prompt('IN>');
    expect(await desk.answer('echo c=$?', /c=(\d+)/)).toBe('130');
    terminal.line('exit');
    await terminal.prompt();
  });

  test('what is typed before it runs is for it, or for the shell when it does not', async () => {
    await terminal.clear();
    terminal.line(
      `${desk.ctr} run --rm --name ${desk.newName()} -it -e 'PS1=IN> ' host: bash --norc`,
    );
    terminal.line('echo early=$((40+2))');
    await terminal.until(/early=42/);
    await terminal.prompt('IN>');
    terminal.line('exit');
    await terminal.prompt();
    await terminal.clear();
    terminal.line(`${desk.ctr} run --rm -it host: no-such-program`);
    terminal.line('echo typed=$((40+2)) st=$?');
    await terminal.until(/COMMAND_NOT_FOUND[\s\S]*typed=42 st=127/);
  });

  test('a large paste arrives whole', async () => {
    await desk.enter();
    await desk.start('cat > /tmp/pasted');
    terminal.paste(`${'x'.repeat(79)}\n`.repeat(1000));
    await terminal.until(/x{79}\n*$/);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    terminal.press('C-d');
    await terminal.prompt('IN>');
    expect(await desk.answer('wc -c < /tmp/pasted', /\n(\d+)\nIN>/)).toBe('80000');
    terminal.line('exit');
    await terminal.prompt();
  });

  test('a stdin that is no terminal is refused, in docker’s words', async () => {
    await terminal.clear();
    terminal.line(`echo x | ${desk.ctr} run --rm -it host: cat`);
    await terminal.until(/the input device is not a TTY/);
    expect(await desk.answer('echo st=$?', /st=(\d+)/)).toBe('1');
  });

  test('-t alone: it has a terminal, and Ctrl-C is a signal that we pass on', async () => {
    await terminal.clear();
    const script = 'trap "echo got; exit 9" INT; echo up; while :; do sleep 0.1; done';
    terminal.line(`${desk.ctr} run --rm --name ${desk.newName()} -t host: sh -c '${script}'`);
    await terminal.until(/^up$/m);
    terminal.press('C-c');
    await terminal.until(/got/);
    expect(await desk.status()).toBe('9');
    const piped = `${desk.ctr} run --rm --name ${desk.newName()} -t host: sh -c 'tty; stty size' | cat; echo st=$?`;
    expect(await desk.answer(piped, /\n(\/dev\/pts\/\d+\n24 80\nst=0)/)).toBeTruthy();
    const closed = `${desk.ctr} run --rm --name ${desk.newName()} -t host: yes | head -1; echo st=\${PIPESTATUS[0]}`;
    expect(await desk.answer(closed, /\ny\nst=(\d+)/)).toBe('141');
  });

  test('in the background it waits for the foreground', async () => {
    await terminal.clear();
    terminal.line(
      `${desk.ctr} run --rm --name ${desk.newName()} -it -e 'PS1=IN> ' host: bash --norc &`,
    );
    await terminal.until(/\[1\] \d+/);
    await eventually('a stopped job', async () =>
      /Stopped/.test(await desk.answer('jobs', /(\[1\].*)/)),
    );
    terminal.line('fg');
    await terminal.prompt('IN>');
    expect(await desk.answer('echo fine=$((40+2))', /fine=(\d+)/)).toBe('42');
    terminal.line('exit 4');
    expect(await desk.status()).toBe('4');
  });

  test('a stopped CLI that is resumed has the terminal again', async () => {
    const name = desk.newName();
    await desk.enter('--rm', name);
    const [pid = 0] = await processesOf(name);
    process.kill(pid, 'SIGSTOP');
    await terminal.until(/Stopped/);
    await terminal.prompt();
    expect(await desk.answer('echo outside=$((40+2))', /outside=(\d+)/)).toBe('42');
    await terminal.clear();
    terminal.line('fg');
    await terminal.prompt('IN>');
    await desk.start('sleep 1000');
    terminal.press('C-c');
    await terminal.prompt('IN>');
    terminal.line('exit 6');
    expect(await desk.status()).toBe('6');
  });

  test('without a terminal every signal is passed on, Ctrl-Z too', async () => {
    await terminal.clear();
    const signals = ['USR1', 'USR2', 'QUIT', 'WINCH', 'CONT', 'HUP', 'ALRM'] as const;
    const traps = [...signals, 'TSTP'].map((signal) => `trap "echo got-${signal}" ${signal}`);
    const name = desk.newName();
    const script = `${traps.join('; ')}; trap "exit 8" TERM; echo up; while :; do sleep 0.1; done`;
    terminal.line(`${desk.ctr} run --rm --name ${name} host: sh -c '${script}'`);
    await terminal.until(/^up$/m);
    const [pid = 0] = await processesOf(name);
    for (const signal of signals) {
      process.kill(pid, `SIG${signal}`);
      await terminal.until(new RegExp(`got-${signal}`));
    }
    terminal.press('C-z');
    await terminal.until(/got-TSTP/);
    process.kill(pid, 'SIGTERM');
    expect(await desk.status()).toBe('8');
  });
});
