/** A store, a registry and the native core, for tests that pull. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { client } from '@ctr-ts/native';
import { FixtureRegistry } from '../registry/server.test.fixture.ts';
import type { RegistryReference } from '../registry-reference.ts';
import { prepareRoot } from '../root.ts';
import type { Store } from '../store.ts';
import { temporary, temporaryStore } from '../temporary.test.fixture.ts';
import type { PullEvent } from './event.ts';
import { type PulledImage, type PullOptions, pullImage } from './pull.ts';

export interface Scene {
  store: Store;
  registry: FixtureRegistry;
  events: PullEvent[];
  options: PullOptions;
  pull(more?: Partial<PullOptions>, reference?: RegistryReference): Promise<PulledImage>;
}

/** Short waits, so that a registry that never recovers is given up soon. */
export const IMPATIENT = {
  responseTimeoutMs: 5000,
  stallTimeoutMs: 300,
  attempts: 3,
  retryDelayMs: 5,
};

export async function makeScene(): Promise<Scene> {
  const core = client({ runRoot: await temporary() });
  const store = await temporaryStore();
  const registry = await FixtureRegistry.start();
  const events: PullEvent[] = [];
  const options: PullOptions = {
    store,
    applyLayer: (blob, directory, how) => core.applyLayer(blob, directory, how),
    rootless: process.getuid?.() !== 0,
    singleId: false,
    network: IMPATIENT,
    onEvent: (event) => events.push(event),
  };
  const pull: Scene['pull'] = (more = {}, reference = registry.reference()) =>
    pullImage(reference, { ...options, ...more });
  return { store, registry, events, options, pull };
}

/** All files of the store and what is in staging; directories that are only there do no harm. */
export async function contentOf({ dataRoot }: Store): Promise<string[]> {
  const entries = await readdir(dataRoot, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => ({
      entry,
      path: join(entry.parentPath, entry.name).slice(dataRoot.length + 1),
    }))
    .filter(({ entry, path }) => !entry.isDirectory() || path.startsWith('staging/'))
    .map(({ path }) => path)
    .filter((path) => path !== 'oci-layout');
}

/** The files that a container on this image would see, from the highest layer down. */
export async function filesOf(
  { options }: Scene,
  reference: RegistryReference,
): Promise<Record<string, string>> {
  const upper = { kind: 'tmpfs', sizeBytes: null } as const;
  const { root, release } = await prepareRoot(reference, { ...options, upper, node: false });
  await release();
  const files: Record<string, string> = {};
  for (const directory of root.kind === 'overlay' ? root.lower : []) {
    for (const name of await readdir(directory)) {
      files[name] ??= await readFile(join(directory, name), 'utf8');
    }
  }
  return files;
}
