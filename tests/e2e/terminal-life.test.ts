/** A container with a terminal, from the time its user leaves it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { eventually } from './support/command.ts';
import { childrenOf, Desk, processesOf, sitters } from './support/desk.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { hasTmux, type Terminal } from './support/tmux.ts';

const missing = hasTmux ? '' : ' (needs tmux)';

describe.skipIf(missing !== '').each(sitters)(`a container of $who${missing}`, ({ user }) => {
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

  test('goes on after the detach keys, and attach comes back', async () => {
    const name = desk.newName();
    const settings = await desk.settings();
    await desk.enter('', name);
    expect(await desk.answer('kept=yes; echo set', /\n(set)/)).toBe('set');
    await desk.leave();
    expect(terminal.screen()).toContain(`next: ctr-ts attach ${name}`);
    expect(await desk.status()).toBe('0');
    expect(await desk.settings()).toBe(settings);
    expect((await desk.command('ps')).stdout).toContain(name);
    expect((await desk.command('exec', name, 'echo', 'inside')).stdout).toBe('inside\n');

    await terminal.clear();
    terminal.resize(90, 28);
    terminal.line(`${desk.ctr} attach ${name}`);
    // The prompt is drawn anew: nothing was typed. For that the window had another size.
    await terminal.prompt('IN>');
    const settled = 'until [ "$(stty size)" = "28 90" ]; do sleep 0.1; done';
    expect(await desk.answer(`${settled}; echo $kept $(stty size)`, /\n(yes \d+ \d+)/)).toBe(
      'yes 28 90',
    );
    expect(await desk.command('attach', '--no-stdin', name)).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining('TERMINAL_BUSY'),
    });
    await desk.leave();
    expect(await desk.status()).toBe('0');
    await terminal.clear();
    terminal.line(`${desk.ctr} attach ${name}`);
    await terminal.prompt('IN>');
    terminal.line('exit 5');
    expect(await desk.status()).toBe('5');
    expect(await desk.statusOf(name)).toBe('stopped');
    expect((await desk.command('wait', name)).stdout).toBe('5\n');
    const late = await desk.command('attach', '--no-stdin', name);
    expect(late.stderr).toContain('CONTAINER_NOT_RUNNING');
  });

  test('is stopped, killed and removed like others', async () => {
    const name = desk.newName();
    const enterAndLeave = async (flags: string): Promise<void> => {
      await desk.enter(flags, name);
      await desk.leave();
    };
    await enterAndLeave('');
    // An interactive shell ignores SIGTERM.
    const stopped = await desk.command('stop', '-t', '1', name);
    expect(stopped).toMatchObject({ exitCode: 0, stdout: `${name}\n`, stderr: '' });
    expect(await desk.statusOf(name)).toBe('stopped');
    expect((await desk.command('wait', name)).stdout).toBe('137\n');
    await desk.command('rm', name);

    await enterAndLeave('--stop-signal HUP');
    expect(await desk.command('stop', name)).toMatchObject({ exitCode: 0 });
    expect((await desk.command('wait', name)).stdout).toBe('129\n');
    await desk.command('rm', name);

    await enterAndLeave('--rm');
    expect(await desk.command('kill', name)).toMatchObject({ exitCode: 0 });
    await eventually('its end', async () => !(await desk.exists(name)));

    await enterAndLeave('');
    expect(await desk.command('rm', name)).toMatchObject({ exitCode: 125 });
    expect(await desk.command('rm', '-f', name)).toMatchObject({ exitCode: 0 });
  });

  test('is left with other keys, and a beginning of them is passed on', async () => {
    await desk.enter('--rm --detach-keys ctrl-a,d');
    await terminal.clear();
    // Ctrl-A is the shell's own way to the beginning of the line.
    terminal.press('x', 'C-a', 'e', 'c', 'h', 'o', 'Space', 'Enter');
    await terminal.until(/\nx\nIN>$/);
    terminal.press('C-a', 'd');
    await terminal.until(/read escape sequence/);
    expect(await desk.status()).toBe('0');
  });

  test('has interactive guests, whose keys are all their own', async () => {
    const name = desk.newName();
    await desk.enter('--rm', name);
    await desk.leave();
    await terminal.clear();
    terminal.line(`${desk.ctr} exec -it -e 'PS1=EX> ' ${name} bash --norc`);
    await terminal.prompt('EX>');
    const own = await desk.answer(
      'tty; stty size; echo $TERM',
      /\n(\/dev\/pts\/\d+\n24 80\nxterm)/,
    );
    expect(own).toBeTruthy();
    const same = 'test $(tty) = $(readlink /proc/1/fd/0); echo =$?';
    expect(await desk.answer(same, /=(\d)/)).toBe('1');
    terminal.press('C-p', 'C-q', 'C-u');
    await desk.start('sleep 1000');
    terminal.press('C-c');
    await terminal.prompt('EX>');
    terminal.line('exit 3');
    expect(await desk.status()).toBe('3');
    expect((await desk.command('ps')).stdout).toContain(name);
    // Without -t there is no terminal, whatever the container has.
    const plain = await desk.command('exec', name, 'sh', '-c', 'tty; echo =$TERM=');
    expect(plain.stdout).toBe('not a tty\n==\n');
  });

  test('goes on when its window is closed, as with docker', async () => {
    const name = desk.newName();
    terminal.window();
    await terminal.prompt();
    // dash as PID 1 has no handler for SIGHUP, so that the kernel drops it.
    terminal.line(`${desk.ctr} run --name ${name} -it -e 'PS1=IN> ' host: dash`);
    await terminal.prompt('IN>');
    terminal.close();
    await eventually('our end', async () => (await processesOf(name)).length === 0);
    expect(await desk.statusOf(name)).toBe('running');
    await terminal.clear();
    terminal.line(`${desk.ctr} attach ${name}`);
    await eventually('its prompt', () => {
      terminal.line('');
      return /IN>$/.test(terminal.screen());
    });
    terminal.line('exit 0');
    expect(await desk.status()).toBe('0');
  });

  test('goes on when its window is closed that only showed it', async () => {
    const name = desk.newName();
    terminal.window();
    await terminal.prompt();
    terminal.line(`${desk.ctr} run --name ${name} -t host: sh -c 'echo up; sleep 1000'`);
    await terminal.until(/^up$/m);
    terminal.close();
    await eventually('our end', async () => (await processesOf(name)).length === 0);
    expect(await desk.statusOf(name)).toBe('running');
  });

  test('ends with a CLI that is killed, and the shell outside goes on', async () => {
    const name = desk.newName();
    await desk.enter('--rm', name);
    const [pid = 0] = await processesOf(name);
    process.kill(pid, 'SIGKILL');
    await eventually('its end', async () => !(await desk.exists(name)));
    terminal.line('stty sane');
    await terminal.prompt();
    expect(await desk.answer('echo alive=$((40+2))', /alive=(\d+)/)).toBe('42');
  });

  test('goes on when the CLI that was attached to it is killed', async () => {
    const name = desk.newName();
    await desk.enter('--rm', name);
    await desk.leave();
    for (const [signal, status] of [
      ['SIGTERM', '143'],
      ['SIGKILL', '137'],
    ] as const) {
      await terminal.clear();
      terminal.line(`${desk.ctr} attach ${name}`);
      await terminal.prompt('IN>');
      const [pid = 0] = await processesOf(`attach ${name}`);
      process.kill(pid, signal);
      expect(await desk.status()).toBe(status);
      expect(await desk.statusOf(name)).toBe('running');
    }
    await terminal.clear();
    terminal.line(`${desk.ctr} attach ${name}`);
    await terminal.prompt('IN>');
    terminal.line('exit');
    await terminal.prompt();
  });

  test('gives the terminal back when its launcher dies', async () => {
    const name = desk.newName();
    const settings = await desk.settings();
    await desk.enter('--rm', name);
    const [pid = 0] = await processesOf(name);
    for (const child of await childrenOf(pid)) process.kill(child, 'SIGKILL');
    await terminal.until(/RUNTIME_LOST/);
    expect(await desk.status()).toBe('125');
    expect(await desk.settings()).toBe(settings);
  });

  test('is left by a signal with --sig-proxy=false, else the signal is its own', async () => {
    const name = desk.newName();
    await desk.enter('--sig-proxy=false', name);
    const [pid = 0] = await processesOf(name);
    process.kill(pid, 'SIGTERM');
    expect(await desk.status()).toBe('143');
    expect(await desk.statusOf(name)).toBe('running');
    await desk.command('rm', '-f', name);

    await desk.enter('', name);
    const [other = 0] = await processesOf(name);
    process.kill(other, 'SIGHUP');
    expect(await desk.status()).toBe('129');
    expect(await desk.statusOf(name)).toBe('stopped');
  });
});
