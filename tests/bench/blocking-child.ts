/**
 * How long a launch holds the main thread of a process of a given size. Arguments: megabytes of
 * resident memory, milliseconds for each figure, image. Prints JSON of a Blocking.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Percentiles, percentiles } from './measure.ts';
import { runTrue } from './ours.ts';
import { spawnTrue } from './peers.ts';

/** What one way to launch costs its caller; milliseconds. */
export interface Cost {
  /** Until the call returned. */
  call: Percentiles;
  /** Processor time of the main thread over the whole launch. */
  thread: Percentiles;
  /** Longest time in which the event loop made no turn. */
  stall: Percentiles;
  /** The whole launch. */
  total: Percentiles;
}

export interface Blocking {
  residentBytes: number;
  /** Of these, what was allocated only to be there. */
  ballastBytes: number;
  sdk: Cost;
  spawn: Cost;
}

const MEGABYTE = 1024 * 1024;

async function cost(launch: () => Promise<void>, budgetMs: number): Promise<Cost> {
  const [call, thread, stall, total]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let warm = 0; warm < 3; warm++) await launch();
  for (const end = performance.now() + budgetMs; performance.now() < end; ) {
    await sleep(10);
    const before = process.threadCpuUsage();
    const start = performance.now();
    const launched = launch();
    call.push(performance.now() - start);
    await launched;
    total.push(performance.now() - start);
    const { user, system } = process.threadCpuUsage(before);
    thread.push((user + system) / 1000);
  }
  // Apart from the above, for a loop that never sleeps is itself thread time.
  for (const end = performance.now() + budgetMs; performance.now() < end; ) {
    await sleep(10);
    stall.push(await longestStall(launch));
  }
  return {
    call: percentiles(call),
    thread: percentiles(thread),
    stall: percentiles(stall),
    total: percentiles(total),
  };
}

async function longestStall(launch: () => Promise<void>): Promise<number> {
  let [running, longest, last] = [true, 0, performance.now()];
  const turn = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(turn);
  };
  setImmediate(turn);
  await launch();
  running = false;
  return Math.max(longest, performance.now() - last);
}

const [megabytes = 50, budgetMs = 1000] = process.argv.slice(2, 4).map(Number);
const image = process.argv[4] ?? 'host:';
// Touched page by page: what is only reserved is not copied by a fork.
const ballast: Buffer[] = [];
while (process.memoryUsage.rss() < megabytes * MEGABYTE) {
  ballast.push(Buffer.alloc(4 * MEGABYTE, 1));
}
const sdk = await cost(() => runTrue(image), budgetMs);
const spawn = await cost(spawnTrue, budgetMs);
const residentBytes = process.memoryUsage.rss();
const ballastBytes = ballast.reduce((sum, { byteLength }) => sum + byteLength, 0);
const blocking: Blocking = { residentBytes, ballastBytes, sdk, spawn };
process.stdout.write(`${JSON.stringify(blocking)}\n`);
