import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../digest.ts';
import { temporaryStore } from '../temporary.test.fixture.ts';
import { blobName } from './blobs.ts';
import { readImageConfig } from './config.ts';

const DOCUMENT = JSON.stringify({
  architecture: 'amd64',
  os: 'linux',
  config: { Cmd: ['sh'], Env: ['A=1'], StopSignal: 'SIGQUIT', ExposedPorts: { '80/tcp': {} } },
  rootfs: { type: 'layers', diff_ids: [] },
});

const config = digestOf(DOCUMENT);

async function storeWith(content: string) {
  const store = await temporaryStore();
  mkdirSync(join(store.dataRoot, 'blobs/sha256'), { recursive: true });
  writeFileSync(join(store.dataRoot, blobName(config)), content);
  return store;
}

test('a config is read from its blob', async () => {
  expect(await readImageConfig(await storeWith(DOCUMENT), { config })).toMatchObject({
    cmd: ['sh'],
    env: ['A=1'],
    stopSignal: 'SIGQUIT',
    exposedPorts: ['80/tcp'],
  });
});

test('a blob that was changed is refused', async () => {
  const store = await storeWith(DOCUMENT.replace('sh', 'su'));
  await expect(readImageConfig(store, { config })).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
});
