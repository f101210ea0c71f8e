/** floor.c and its like as child processes: compile, ask for blocks of launches, end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Peer } from './measure.ts';

/** Compiles a C file into `directory`; static where the machine can, for the least start cost. */
export function compile(source: string, directory: string, name: string): string {
  const output = join(directory, name);
  const flags = ['-O2', '-w', '-o', output, source];
  try {
    execFileSync('gcc', ['-static', ...flags], { stdio: 'ignore' });
  } catch {
    execFileSync('gcc', flags, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return output;
}

/** The launches of `program plan FILE` or `program command ARGV...`, timed by it. */
export function timed(name: string, program: string, args: readonly string[]): Peer {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2000);
  });
  // A broken pipe shows as the end of the lines.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name,
    async block(count, pauseMs) {
      child.stdin.write(`${count} ${pauseMs}\n`);
      const samples: number[] = [];
      while (samples.length < count) {
        const line = await lines.next();
        if (line.done === true) throw new Error(`${name} ended: ${complaint.trim()}`);
        samples.push(Number(line.value.split(' ')[0]) / 1e6);
      }
      return samples;
    },
    close: () => end(child),
  };
}

/** A container's plan as a peer. */
export function floorOf(name: string, program: string, directory: string, text: string): Peer {
  const file = join(directory, `${name.replace(/\W+/g, '-')}.plan`);
  writeFileSync(file, text);
  return timed(name, program, ['plan', file]);
}

/** Ends when its input does; killed by its id if it does not. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
  await exited;
  clearTimeout(timer);
}
