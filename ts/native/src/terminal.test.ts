import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from 'vitest';
import type { LaunchRequest } from './addon.ts';
import { client, type Launched } from './client.ts';
import { command, eventually, makePlace, pipes, request } from './container.test.fixture.ts';

const build = fileURLToPath(new URL('../../../build/linux-x64-gnu', import.meta.url));
const missing = ['ctr.node', 'ctr-runtime'].filter((name) => !existsSync(join(build, name)));

/** What a test reads of a terminal, and types into it. */
class Screen {
  readonly socket: Socket;
  text = '';
  readonly ended: Promise<void>;

  constructor(fd: number) {
    this.socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (chunk: string) => {
      this.text += chunk;
    });
    this.ended = once(this.socket, 'end').then(() => undefined);
  }

  async waitFor(wanted: string): Promise<void> {
    const seen = await eventually(() => this.text.includes(wanted), 10_000);
    if (!seen) throw new Error(`no ${JSON.stringify(wanted)} in ${JSON.stringify(this.text)}`);
  }
}

describe.skipIf(missing.length > 0)(`terminals with a real launcher ${missing.join(' ')}`, () => {
  const place = makePlace();
  const containers = join(place.runRoot, 'containers');
  const open = (): ReturnType<typeof client> => client({ runRoot: place.runRoot });
  const nextId = (): string => `test${randomBytes(8).toString('hex')}`;

  afterAll(() => place[Symbol.dispose]());

  const terminal = { rows: 24, columns: 80 };
  const openTerminal = (): { handle: number; screen: Screen } => {
    const modes = { stdin: 'null', stdout: 'null', stderr: 'null', terminal } as const;
    const stdio = open().openStdio(modes);
    expect([stdio.stdin, stdio.stdout, stdio.stderr]).toEqual([-1, -1, -1]);
    return { handle: stdio.handle, screen: new Screen(stdio.terminal) };
  };

  test('a program has a terminal of the size that was asked for', async () => {
    const { handle, screen } = openTerminal();
    const script = 'tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo all; exit 5';
    const run = open().launch(interactive(place, nextId(), script), handle);
    expect(await run.exited).toEqual({ exitCode: 5, signal: null, oomKilled: false });
    await screen.ended;
    expect(screen.text).toBe('/dev/pts/0\r\n24 80\r\nall\r\n');
    expect(await eventually(() => readdirSync(containers).length === 0)).toBe(true);
  });

  test('what is typed arrives, a half-close is an end of file, and control characters are signals', async () => {
    const { handle, screen } = openTerminal();
    const script = 'trap "echo interrupted" INT; read x; echo got $x; cat; echo over';
    const run = open().launch(interactive(place, nextId(), script), handle);
    await run.started;
    screen.socket.write('hello\n');
    await screen.waitFor('got hello');
    screen.socket.write('part');
    await screen.waitFor('part');
    screen.socket.end();
    await screen.waitFor('over');
    expect(await run.exited).toMatchObject({ exitCode: 0 });
    await screen.ended;

    const second = openTerminal();
    const waits = 'trap "echo interrupted; exit 3" INT; echo ready; while :; do sleep 0.05; done';
    const other = open().launch(interactive(place, nextId(), waits), second.handle);
    await second.screen.waitFor('ready');
    second.screen.socket.write('\x03');
    await second.screen.waitFor('interrupted');
    expect(await other.exited).toMatchObject({ exitCode: 3 });
  });

  test('a terminal that its program closes for a while goes on when it is opened again', async () => {
    const { handle, screen } = openTerminal();
    const script =
      'echo before; exec <&- >&- 2>&-; sleep 0.5; exec </dev/console >/dev/console 2>&1; ' +
      'read x; echo got $x; seq 1 100000; echo over';
    const run = open().launch(interactive(place, nextId(), script), handle);
    await screen.waitFor('before');
    await new Promise((resolve) => setTimeout(resolve, 200));
    screen.socket.write('typed\n');
    await screen.waitFor('over');
    expect(screen.text).toContain('got typed');
    expect(screen.text).toContain('\r\n100000\r\n');
    expect(await run.exited).toMatchObject({ exitCode: 0 });
    await screen.ended;
  });

  test('a shell that edits lines itself hears the end of file too', async () => {
    const { handle, screen } = openTerminal();
    const run = open().launch(
      interactive(place, nextId(), 'PS1=ready exec bash --noprofile --norc -i'),
      handle,
    );
    await screen.waitFor('ready');
    screen.text = '';
    screen.socket.write('(exit 6)\n');
    // At its prompt again: what is typed ahead meets the terminal in another mode.
    await screen.waitFor('ready');
    screen.socket.end();
    expect(await run.exited).toMatchObject({ exitCode: 6 });
  });

  test('a window is resized, before the start and after it', async () => {
    const { handle, screen } = openTerminal();
    const script =
      'trap "stty size" WINCH; sleep 0.2; stty size; echo ready; while :; do sleep 0.05; done';
    const run = open().launch(interactive(place, nextId(), script), handle);
    run.resize(30, 100);
    await screen.waitFor('30 100');
    await screen.waitFor('ready');
    run.resize(50, 132);
    await screen.waitFor('50 132');
    expect(() => run.resize(0, 80)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
    run.signal(9);
    await run.exited;
    run.resize(1, 1);
  });

  test('10 MB pass through cat without loss, both ways at once', { timeout: 60_000 }, async () => {
    const { handle, screen } = openTerminal();
    const bytes = randomBytes(10 * 1024 * 1024);
    const script = 'stty raw -echo; echo ready; exec cat';
    const run = open().launch(interactive(place, nextId(), script), handle);
    await screen.waitFor('ready\n');
    screen.text = '';
    screen.socket.write(bytes);
    expect(await eventually(() => screen.text.length >= bytes.length, 50_000)).toBe(true);
    const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
    expect(digest(Buffer.from(screen.text, 'latin1'))).toBe(digest(bytes));
    run.signal(9);
    await screen.ended;
    expect(await run.exited).toMatchObject({ signal: 9 });
  });

  test('output that nobody reads yet is complete after the exit', { timeout: 30_000 }, async () => {
    const modes = { stdin: 'null', stdout: 'null', stderr: 'null', terminal } as const;
    const stdio = open().openStdio(modes);
    const script = 'stty raw; seq 1 40000; printf end';
    const run = open().launch(interactive(place, nextId(), script), stdio.handle);
    await run.started;
    await new Promise((resolve) => setTimeout(resolve, 200));
    const screen = new Screen(stdio.terminal);
    await screen.ended;
    expect(screen.text.endsWith('40000\nend')).toBe(true);
    expect(screen.text.split('\n')).toHaveLength(40_001);
    await run.exited;
  });

  test('a further process has a terminal too, and a plan without one refuses its stdio', async () => {
    const id = nextId();
    const run = open().launch(request(place, id, ['sleep', '60']), pipes(open()).handle);
    await run.started;
    const exec = (process: object): object => ({
      process: { ...command(['sh', '-c', 'tty; exit 4']), ...process },
    });
    const none = openTerminal();
    const refused = open().exec(
      { stateRoot: place.runRoot, id, exec: exec({ terminal: true }) },
      none.handle,
    );
    // This container has no devpts.
    await expect(refused.started).rejects.toMatchObject({ code: 'TERMINAL_REFUSED' });
    await none.screen.ended;
    for (const [process, handle] of [
      [{ terminal: true }, pipes(open()).handle],
      [{}, openTerminal().handle],
    ] as const) {
      const bad = open().exec({ stateRoot: place.runRoot, id, exec: exec(process) }, handle);
      await expect(bad.started).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    }
    run.signal(9);
    await run.exited;

    const second = nextId();
    const own = openTerminal();
    const held = open().launch(interactive(place, second, 'sleep 60'), own.handle);
    await held.started;
    const { handle, screen } = openTerminal();
    const inside = open().exec(
      { stateRoot: place.runRoot, id: second, exec: exec({ terminal: true }) },
      handle,
    );
    expect(await inside.exited).toMatchObject({ exitCode: 4 });
    await screen.ended;
    expect(screen.text).toBe('/dev/pts/1\r\n');
    held.signal(9);
    await held.exited;
  });

  test('a container without a terminal cannot be detached from', async () => {
    const run = open().launch(request(place, nextId(), ['sleep', '60']), pipes(open()).handle);
    await expect(run.detach()).rejects.toMatchObject({ code: 'NO_TERMINAL' });
    run.signal(9);
    expect(await run.exited).toMatchObject({ signal: 9 });
    await expect(run.detach()).rejects.toMatchObject({ code: 'CONTAINER_NOT_RUNNING' });
  });

  test('a detached container goes on without its process, and another attaches to it', {
    timeout: 30_000,
  }, async () => {
    const id = nextId();
    const shell =
      'n=0; while read -r line; do n=$((n+1)); echo "$n:$line $(stty size)"; done; exit 7';
    const other = script(`
      const launched = c.launch(${JSON.stringify(interactive(place, id, shell))}, stdio.handle);
      await launched.started;
      socket.write('one\\n');
      while (!text.includes('1:one 24 80')) await new Promise((resolve) => setTimeout(resolve, 10));
      const busy = c.openStdio(modes);
      const second = c.attachTerminal({ stateRoot: ${JSON.stringify(place.runRoot)}, id: '${id}' }, busy.handle);
      console.log(await second.started.catch((error) => error.code));
      await launched.detach();
      console.log((await launched.exited).reason);
    `);
    expect(await other.ended).toEqual({ code: 0, output: 'TERMINAL_BUSY\ndetached\n' });
    expect(await open().prune(place.runRoot)).toMatchObject({ containers: [], sockets: [] });
    const [entry] = open().listStates(place.runRoot);
    expect(entry).toMatchObject({ id, status: 'running' });

    for (const [round, how] of [
      [2, 'detach'],
      [3, 'worker'],
      [4, 'exit'],
    ] as const) {
      const { handle, screen } = openTerminal();
      const attached = open().attachTerminal({ stateRoot: place.runRoot, id }, handle);
      expect(await attached.started).toEqual({ pid: entry?.pid, enforcement: [] });
      attached.resize(40, 90 + round);
      screen.socket.write(`again\n`);
      await screen.waitFor(`${round}:again 40 ${90 + round}`);
      const busy = openTerminal();
      const second = open().attachTerminal({ stateRoot: place.runRoot, id }, busy.handle);
      await expect(second.started).rejects.toMatchObject({ code: 'TERMINAL_BUSY' });
      if (how === 'exit') {
        screen.socket.end();
        expect(await attached.exited).toMatchObject({ exitCode: 7 });
      } else {
        await attached.detach();
        expect(await attached.exited).toMatchObject({ reason: 'detached' });
      }
      await screen.ended;
    }
    expect(await eventually(() => readdirSync(containers).length === 0)).toBe(true);
    // Its launcher is gone with it; the one of this process has another socket.
    expect(await eventually(() => readdirSync(join(place.runRoot, 'owners')).length <= 1)).toBe(
      true,
    );
  });

  test('one command can both hold a container and end with it', async () => {
    const { handle, screen } = openTerminal();
    const supervised = interactive(place, nextId(), 'echo pid $$; cat /proc/1/comm; exit 9');
    Object.assign(supervised.container as object, { program: 'supervise' });
    const run = open().launch(supervised, handle);
    expect(await run.exited).toMatchObject({ exitCode: 9 });
    await screen.ended;
    expect(screen.text).toBe('pid 2\r\nctr-init\r\n');
  });

  test('an environment that ends kills what it started and only lets go of what it attached to', async () => {
    const id = nextId();
    const shell = 'while read -r line; do echo "got $line"; done';
    const other = script(`
      const launched = c.launch(${JSON.stringify(interactive(place, id, shell))}, stdio.handle);
      await launched.started;
      await launched.detach();
    `);
    expect(await other.ended).toMatchObject({ code: 0 });
    const source = `
      import { client } from ${JSON.stringify(clientUrl)};
      import { parentPort } from 'node:worker_threads';
      const c = client({ runRoot: ${JSON.stringify(place.runRoot)} });
      const stdio = c.openStdio({ stdin: 'null', stdout: 'null', stderr: 'null', terminal: { rows: 1, columns: 1 } });
      const attached = c.attachTerminal({ stateRoot: ${JSON.stringify(place.runRoot)}, id: '${id}' }, stdio.handle);
      await attached.started;
      parentPort.postMessage('attached');
      await attached.exited;
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
    expect(await once(worker, 'message')).toEqual(['attached']);
    await worker.terminate();
    // The end of an environment is told on another thread, so the terminal may be busy a little.
    const attach = async (): Promise<[Launched, Screen]> => {
      const { handle, screen } = openTerminal();
      const attached = open().attachTerminal({ stateRoot: place.runRoot, id }, handle);
      const code = await attached.started.catch((error: { code: string }) => error.code);
      return code === 'TERMINAL_BUSY' ? attach() : [attached, screen];
    };
    const [attached, screen] = await attach();
    screen.socket.write('x\n');
    await screen.waitFor('got x');
    attached.signal(9);
    expect(await attached.exited).toMatchObject({ signal: 9 });
  });

  const clientUrl = new URL('./client.ts', import.meta.url).href;

  /** Runs statements in a Node of its own that has a client `c` and a terminal's `stdio`. */
  function script(body: string): { ended: Promise<{ code: number | null; output: string }> } {
    const source = `
      import { Socket } from 'node:net';
      import { client } from ${JSON.stringify(clientUrl)};
      const c = client({ runRoot: ${JSON.stringify(place.runRoot)} });
      const modes = { stdin: 'null', stdout: 'null', stderr: 'null', terminal: { rows: 24, columns: 80 } };
      const stdio = c.openStdio(modes);
      const socket = new Socket({ fd: stdio.terminal, readable: true, writable: true });
      let text = '';
      socket.on('data', (chunk) => { text += chunk; });
      ${body}
      socket.destroy();
      process.exit(0);
    `;
    mkdirSync(place.runRoot, { recursive: true });
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }));
    return { ended };
  }
});

/** A shell script in a container with a terminal. */
function interactive(
  place: ReturnType<typeof makePlace>,
  id: string,
  shell: string,
): LaunchRequest {
  const plain = request(place, id, ['sh', '-c', shell]);
  const container = structuredClone(plain.container) as {
    spec: { process: { terminal?: boolean }; mounts: object[] };
  };
  container.spec.process.terminal = true;
  container.spec.mounts.push({
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  });
  return { ...plain, container };
}
