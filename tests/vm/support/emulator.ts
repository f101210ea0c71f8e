/** One run of QEMU: started with its disks, listened to, and ended by its pid whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface Machine {
  /** The kernel's file. */
  kernel: string;
  initramfs: string;
  /** Added to the kernel's command line. */
  append: string;
  /** In the order of /dev/vda, /dev/vdb and so on. What is written to them is thrown away. */
  disks: readonly string[];
  memoryMib: number;
  processors: number;
}

export interface Watch {
  /** A line that came out of the port `results`. */
  onLine(line: string): void;
  /** What the kernel and everything else said, as it comes. */
  onConsole?: ((text: string) => void) | undefined;
  /** No line within this time after the start: the machine did not come up. */
  bootTimeoutMs: number;
  /** The whole run. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface Ending {
  /** Why it was ended from outside; undefined when it ended by itself. */
  stopped: string | undefined;
  exitCode: number | null;
  /** The last lines of the console. */
  console: string;
}

const CONSOLE_LINES = 60;

/** The kernel's, in every machine. */
const commandLine = [
  'console=ttyS0',
  'quiet',
  // A panic restarts at once, which ends the emulator.
  'panic=-1',
  // The emulated counter is the same on every processor. Unless the kernel is told so, each look at
  // the clock leaves the emulated processor.
  'tsc=reliable',
  // No defence that an emulated processor has no use for.
  'mitigations=off',
  'no5lvl',
];

/** Boots and waits for the end. An unlucky machine does not reject; QEMU that cannot start does. */
export async function emulate(machine: Machine, watch: Watch): Promise<Ending> {
  // The kernel ends it should this process be killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...flags(machine)], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let console = '';
  for (const stream of [child.stdout, child.stderr] as (Readable | null)[]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      console = (console + text).split('\n').slice(-CONSOLE_LINES).join('\n');
      watch.onConsole?.(text);
    });
  }

  let stopped: string | undefined;
  const stop = (reason: string) => {
    stopped ??= reason;
    child.kill('SIGKILL');
  };
  const bootTimer = setTimeout(
    () => stop(`it was not up within ${watch.bootTimeoutMs / 1000} s`),
    watch.bootTimeoutMs,
  );
  const timer = setTimeout(
    () => stop(`it ran for more than ${watch.timeoutMs / 1000} s`),
    watch.timeoutMs,
  );
  const abort = () => stop('it was interrupted');
  if (watch.signal?.aborted) abort();
  watch.signal?.addEventListener('abort', abort);
  try {
    const lines = createInterface({ input: child.stdio[3] as Readable });
    lines.on('line', (line) => {
      clearTimeout(bootTimer);
      watch.onLine(line);
    });
    const exitCode = await ended(child);
    return { stopped, exitCode, console: console.trim() };
  } finally {
    clearTimeout(bootTimer);
    clearTimeout(timer);
    watch.signal?.removeEventListener('abort', abort);
    if (child.exitCode === null) child.kill('SIGKILL');
  }
}

/** `close` comes after the last byte of every stream. */
async function ended(child: ChildProcess): Promise<number | null> {
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return exitCode;
}

function flags(machine: Machine): string[] {
  const { kernel, initramfs, append, disks, memoryMib, processors } = machine;
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    // Hardware virtualization is not everywhere, and where it is not this says so by hanging.
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max'],
    ...['-smp', String(processors), '-m', String(memoryMib)],
    ...['-kernel', kernel, '-initrd', initramfs],
    ...['-append', `${commandLine.join(' ')} ${append}`],
    ...['-serial', 'stdio', '-monitor', 'none', '-nic', 'none'],
    ...['-device', 'virtio-serial-pci'],
    ...[
      '-chardev',
      'socket,id=results,fd=3',
      '-device',
      'virtserialport,chardev=results,name=results',
    ],
    ...disks.flatMap((file) => [
      '-drive',
      `file=${file.replaceAll(',', ',,')},format=raw,if=virtio,snapshot=on`,
    ]),
  ];
}
