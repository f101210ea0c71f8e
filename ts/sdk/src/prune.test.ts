/** What prune takes from the store of a user who has no containers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { prune } from './index.ts';

const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-sdk-'));
const engine = { dataRoot: join(directory, 'data'), runRoot: join(directory, 'run') };
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('blobs and layers that a killed pull left are removed, and each is named once', async () => {
  const hex = 'f'.repeat(64);
  const layer = join(engine.dataRoot, 'layers/user/sha256', hex);
  mkdirSync(join(layer, 'diff'), { recursive: true });
  mkdirSync(join(engine.dataRoot, 'blobs/sha256'), { recursive: true });
  writeFileSync(join(engine.dataRoot, 'blobs/sha256', hex), 'left');
  expect(await prune(engine)).toMatchObject({
    staging: [],
    blobs: [`sha256:${hex}`],
    unpacked: [layer],
  });
  expect(await prune(engine)).toMatchObject({ staging: [], blobs: [], unpacked: [] });
});
