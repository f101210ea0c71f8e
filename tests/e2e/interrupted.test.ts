/** Signals that come while a container is prepared: they are ours, not the container's. */

import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { paths } from '@ctr-ts/dev/repository';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, execute, must, type Started, start } from './support/command.ts';
import { busybox, pack } from './support/images.ts';
import { type Descriptor, Layout } from './support/layout.ts';

const directory = mkdtempSync(join(tmpdir(), 'e2e-interrupted-'));
let image: string;

beforeAll(async () => {
  const rootfs = busybox(directory);
  if (rootfs === undefined) throw new Error('busybox-static is not installed');
  const good = join(directory, 'good');
  await pack(rootfs, good);
  image = `oci:${await withLargeLayer(new Layout(good, join(directory, 'large')))}:latest`;
}, 60_000);
afterAll(() => rmSync(directory, { recursive: true }));

/** A layer that takes the better part of a second to unpack. */
async function withLargeLayer(layout: Layout): Promise<string> {
  writeFileSync(join(directory, 'zeros'), '');
  truncateSync(join(directory, 'zeros'), 512 * 1024 ** 2);
  const file = join(directory, 'layer.tar.gz');
  await must('tar', ['-C', directory, '-I', 'gzip -1', '-cf', file, 'zeros']);
  const bytes = readFileSync(file);
  const diffId = `sha256:${createHash('sha256').update(gunzipSync(bytes)).digest('hex')}`;
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
  return layout.edit(({ config, layers }) => {
    layers.push({ mediaType, ...layout.write(bytes) } as Descriptor);
    config.rootfs.diff_ids.push(diffId);
  });
}

/**
 * `run --rm IMAGE ...` in the middle of its large layer. Its store is its own: what is unpacked
 * there already would not be unpacked again.
 */
async function unpacking(command: string[]): Promise<Started> {
  const store = mkdtempSync(join(directory, 'store-'));
  const script = 'mkdir -p /var/lib/ctr-ts; mount --bind "$0" /var/lib/ctr-ts; exec "$@"';
  const words = ['sh', '-ec', script, store, paths.launcher, 'run', '--rm', image, ...command];
  const started = start('unshare', ['--mount', '--propagation', 'private', ...words]);
  const zeros = () =>
    execute('find', [join(store, 'staging'), '-name', 'zeros']).then(({ stdout }) => stdout !== '');
  await eventually('the large layer', zeros);
  return started;
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('%s while an image is unpacked gives the run up', async (signal, code) => {
  const { child, ended } = await unpacking(['sh', '-c', 'trap "" INT TERM HUP; echo ran']);
  child.kill(signal);
  expect(await ended).toMatchObject({
    exitCode: code,
    stdout: '',
    stderr: `ctr-ts: given up (${signal})\n`,
  });
});

test('a second Ctrl-C does not wait for what is under way', async () => {
  const { child, ended } = await unpacking(['echo', 'ran']);
  child.kill('SIGINT');
  await sleep(50);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ signal: 'SIGINT', stdout: '' });
});
