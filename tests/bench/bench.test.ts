/** The benchmark as its users run it; figures are looked at for being there, never for their size. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { Row } from './table.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

async function bench(scratch: string, args: string[]) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGTERM');
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => {
      child.once('close', resolve);
    }),
  ]);
  return { stdout, stderr, exitCode, pid: child.pid };
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let all = '';
  for await (const chunk of stream) all += chunk;
  return all;
}

/** Groups of a benchmark in the hierarchies of this machine, two levels deep. */
function groupsOf(pid: number | undefined): string[] {
  const root = '/sys/fs/cgroup';
  const below = readdirSync(root).flatMap((name) => {
    try {
      return readdirSync(join(root, name)).map((inner) => join(root, name, inner));
    } catch {
      return [];
    }
  });
  return below.filter((path) => new RegExp(`ctr-ts-bench-\\w+-${pid}\\b`).test(path));
}

test('a quick run shows every row, fits 100 columns and leaves nothing behind', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'ctr-ts-bench-test-'));
  onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
  const json = join(scratch, 'out.json');
  const { stdout, stderr, exitCode, pid } = await bench(scratch, ['--quick', '--json', json]);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  const { rows, blocking, notes } = JSON.parse(readFileSync(json, 'utf8')) as {
    rows: Row[];
    blocking: { residentBytes: number; sdk: { call: Row['burst'] } }[];
    notes: string[];
  };
  const names = rows.map((row) => row.name);
  const ours = ['SDK run() rootfs:', 'ctr-ts run rootfs:', 'SDK run() host:', 'ctr-ts run host:'];
  expect(names).toEqual(expect.arrayContaining([...ours, 'child_process.spawn']));
  if (process.getuid?.() === 0) {
    expect(names).toEqual(expect.arrayContaining(['floor rootfs:', 'floor host:', 'podman run']));
    // A dockerd does not start everywhere; then the run says so.
    if (!names.includes('docker run')) expect(notes.join('\n')).toContain('docker: ');
  }
  for (const { name, burst, sparse } of rows) {
    for (const figures of [burst, sparse]) {
      expect(figures.count, name).toBeGreaterThan(0);
      expect(figures.min, name).toBeGreaterThan(0);
      expect(figures.p90, name).toBeGreaterThanOrEqual(figures.p50);
    }
  }
  expect(blocking[1]?.residentBytes).toBeGreaterThan(1024 ** 3);
  for (const { sdk } of blocking) expect(sdk.call.count).toBeGreaterThan(0);
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100);
  expect(readdirSync(scratch)).toEqual(['out.json']);
  expect(groupsOf(pid)).toEqual([]);
});
