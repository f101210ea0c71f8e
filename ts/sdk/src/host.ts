/** What this machine and user allow, found out once per process. */

import { readdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { CAPABILITIES, decodeCapabilities } from './capabilities.ts';
import type { Core } from './core.ts';
import type { Host } from './spec.ts';

const TTY_GROUP = 5;

/** The machine and this user's share of its ids. */
export interface HostFacts extends Host {
  /** Containers have one user id only. */
  singleId: boolean;
}

let known: Promise<HostFacts> | undefined;

/**
 * Starts the launcher if need be and reports what containers can have.
 *
 * @throws CtrError `UNSUPPORTED_ENVIRONMENT` before anything is made; the next call tries again
 */
export function hostFacts(core: Core): Promise<HostFacts> {
  // A launcher that was lost is started anew by the launch itself; what it maps does not change.
  known ??= discover(core).catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function discover(core: Core): Promise<HostFacts> {
  const rootless = process.geteuid?.() !== 0;
  const [{ uidMap, gidMap }, capabilities, thermalProcessors] = await Promise.all([
    core.ready(),
    rootless ? CAPABILITIES : boundingSet(),
    thermalProcessorNumbers(),
  ]);
  const mapped = gidMap.some(
    ({ containerId, size }) => containerId <= TTY_GROUP && TTY_GROUP < containerId + size,
  );
  const singleId = rootless && uidMap.reduce((sum, { size }) => sum + size, 0) === 1;
  return {
    rootless,
    singleId,
    ttyGroup: !rootless || mapped,
    capabilities,
    thermalProcessors,
    hostname: hostname(),
  };
}

/** What root can hand on here: less than everything where it is itself confined. */
async function boundingSet(): Promise<readonly string[]> {
  const status = await readFile('/proc/self/status', 'utf8');
  const hex = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return hex === undefined ? CAPABILITIES : decodeCapabilities(hex);
}

async function thermalProcessorNumbers(): Promise<number[]> {
  const directory = '/sys/devices/system/cpu';
  const names = await readdir(directory).catch(() => []);
  const numbers = names.flatMap((name) => /^cpu(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const present = await Promise.all(
    numbers.map(async (number) => {
      const path = `${directory}/cpu${number}`;
      return (await readdir(path).catch((): string[] => [])).includes('thermal_throttle');
    }),
  );
  return numbers.filter((_, index) => present[index]).toSorted((a, b) => a - b);
}
