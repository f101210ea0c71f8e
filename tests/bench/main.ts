/**
 * `npm run bench [-- --quick] [--json FILE]`: what launching `true` costs, ours beside the kernel's
 * own price and beside others, all from one run. README.md says how to read it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BaseComparison, compareBase } from './base-shape.ts';
import type { Blocking } from './blocking-child.ts';
import { dockerPeer, podmanPeer } from './engines.ts';
import { compile, floorOf } from './floor.ts';
import { makeRootfs } from './machine.ts';
import { measure, type Peer, type Percentiles } from './measure.ts';
import { cliPeer, planFloor, sdkPeer } from './ours.ts';
import { bwrapPeer, runcPeer, spawnPeer } from './peers.ts';
import { blockingTable, launchTable, type Row, ratioTable } from './table.ts';

const PAUSE_MS = 50;
const SIZES_MB = [50, 1024];

const { values } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
});
/** Milliseconds for each part; `blocking` is for each figure of each size. */
const budget = values.quick
  ? { base: 3000, burst: 7000, sparse: 13_000, blocking: 700 }
  : { base: 10_000, burst: 45_000, sparse: 75_000, blocking: 4000 };
const BLOCK = 5;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const isRoot = process.getuid?.() === 0;
const notes: string[] = [];
await using stack = new AsyncDisposableStack();
const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-bench-'));
stack.defer(() => rmSync(directory, { recursive: true, force: true }));
// A signal ends the run where it stands; what is left is then removed as after a failure.
const stopped = new Promise<never>((_, reject) => {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => reject(new Error(`ended by ${name}`)));
  }
});
stopped.catch(() => {});

try {
  await Promise.race([bench(), stopped]);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function bench(): Promise<void> {
  const floor = compile(here('floor.c'), directory, 'floor');
  const rootfs = makeRootfs(directory);
  const base = isRoot ? baseShape(floor, rootfs) : undefined;
  const peers = await makePeers(floor, rootfs);
  // One round unmeasured: programs come into the page cache, our launcher into being.
  await measure(peers, { budgetMs: 0, block: 2, pauseMs: 0 });
  const burst = await measure(peers, { budgetMs: budget.burst, block: BLOCK, pauseMs: 0 });
  const sparse = await measure(peers, { budgetMs: budget.sparse, block: BLOCK, pauseMs: PAUSE_MS });
  const rows = peers.map(({ name }): Row => {
    const floorName = name.includes('host:') ? 'floor host:' : 'floor rootfs:';
    return { name, floor: floorName, burst: of(burst, name), sparse: of(sparse, name) };
  });
  const blocking = SIZES_MB.map((size) => blockingOf(size, `rootfs:${rootfs}`));
  process.stdout.write(`${report(rows, blocking, base)}\n`);
  if (values.json !== undefined) {
    const machine = { kernel: release(), node: process.version };
    const result = { unit: 'ms', quick: values.quick, machine, rows, blocking, base, notes };
    writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  }
}

function of(measured: ReadonlyMap<string, Percentiles>, name: string): Percentiles {
  const found = measured.get(name);
  if (found === undefined) throw new Error(`nothing was measured of ${name}`);
  return found;
}

/** Everyone, in the order of the table; closed with the stack. */
async function makePeers(floor: string, rootfs: string): Promise<Peer[]> {
  const peers: (Peer | undefined)[] = [];
  for (const [label, image] of [
    ['rootfs:', `rootfs:${rootfs}`],
    ['host:', 'host:'],
  ] as const) {
    if (isRoot) {
      const { text, groups } = await planFloor(image, floor, directory);
      stack.use(groups);
      peers.push(floorOf(`floor ${label}`, floor, directory, text));
    }
    peers.push(sdkPeer(`SDK run() ${label}`, image));
    peers.push(cliPeer(`ctr-ts run ${label}`, floor, image));
  }
  if (!isRoot) notes.push('floor: needs root, left out');
  const bwrap = bwrapPeer(floor, rootfs);
  const runc = isRoot ? runcPeer(floor, directory, rootfs) : undefined;
  if (bwrap === undefined) notes.push('bubblewrap: not installed');
  if (runc === undefined) notes.push(isRoot ? 'runc: not installed' : 'runc: needs root, left out');
  peers.push(spawnPeer(), bwrap, runc, ...(await enginePeers(floor, rootfs)));
  const found = peers.filter((peer) => peer !== undefined);
  for (const peer of found) stack.defer(() => peer.close());
  return found;
}

/** Whole engines; who is missing or does not start is noted. */
async function enginePeers(floor: string, rootfs: string): Promise<Peer[]> {
  if (!isRoot) {
    notes.push('podman, docker: measured as root only, left out');
    return [];
  }
  const podman = podmanPeer(floor, directory, rootfs);
  if (podman === undefined) notes.push('podman: not installed, or no runc for it');
  const docker = await dockerPeer(floor, directory, rootfs);
  if (typeof docker === 'string') notes.push(`docker: ${docker}`);
  return [podman, docker].filter((peer) => typeof peer === 'object');
}

/** Ties floor.c to the reference floor, where that is at hand. */
function baseShape(floor: string, rootfs: string): BaseComparison | undefined {
  const source = here('../../../shared/bench/floor.c');
  if (!existsSync(source)) {
    notes.push('base shape: no reference floor beside this clone, not compared');
    return undefined;
  }
  const reference = compile(source, directory, 'reference');
  const planFile = join(directory, 'base.plan');
  return compareBase({ own: floor, reference }, { planFile, rootfs, budgetMs: budget.base });
}

/** In a process of its own, for its size is what is measured. */
function blockingOf(megabytes: number, image: string): Blocking {
  const args = [here('blocking-child.ts'), String(megabytes), String(budget.blocking), image];
  const options = { encoding: 'utf8', maxBuffer: 1 << 20, timeout: 120_000 } as const;
  return JSON.parse(execFileSync(process.execPath, args, options));
}

function report(
  rows: readonly Row[],
  blocking: readonly Blocking[],
  base: BaseComparison | undefined,
): string {
  const machine = `Linux ${release()}, Node ${process.version}`;
  const lines = [`launching true: ${machine}`, '', launchTable(rows)];
  lines.push('', 'row / column, p50, burst', ratioTable(rows, 'burst'));
  lines.push('', 'row / column, p50, 50 ms apart', ratioTable(rows, 'sparse'));
  lines.push('', "on the caller's main thread, ms, by resident memory", blockingTable(blocking));
  if (base !== undefined) {
    const { own, reference, ratio } = base;
    const figures = `p50 ${ratio.p50.toFixed(2)}, of the minima ${(own.min / reference.min).toFixed(2)}`;
    lines.push('', `base shape, floor.c / reference floor, burst: ${figures}`);
  }
  if (notes.length > 0) lines.push('', ...notes.map((note) => `note: ${note}`));
  return lines.join('\n');
}
