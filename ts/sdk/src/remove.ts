/** Removing a container: its process, its writable layer, its record. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Core, StateEntry } from './core.ts';
import { CtrError } from './errors.ts';
import { readRecord } from './record.ts';
import { stateOf } from './states.ts';

/** How long a killed container may take to go. */
const END_MS = 10_000;

/** How often its record is looked at: an owner needs about a millisecond to clean up. */
const POLL_MS = 2;

/** One container to remove. */
export interface Removal {
  core: Core;
  stateRoot: string;
  id: string;
  /** What to call it in messages. */
  label: string;
  /** How to kill it; `undefined` refuses a container that runs. */
  kill: (() => Promise<void>) | undefined;
}

/**
 * Removes what is left of a container; what is gone already is no error.
 *
 * @throws CtrError `CONTAINER_RUNNING`
 */
export async function removeContainer(removal: Removal): Promise<void> {
  const { core, stateRoot, id } = removal;
  const left = await ended(removal);
  if (left === undefined) return;
  const layer = readRecord(left.record)?.writableLayer ?? null;
  // ORDER: the layer first. The record is how prune finds a layer whose removal was cut short.
  if (layer !== null) await core.removeTree(layer);
  try {
    core.removeState(stateRoot, id);
  } catch (error) {
    // Its owner, or somebody's prune, was faster.
    if (!hasCode(error, 'CONTAINER_NOT_FOUND')) throw error;
  }
}

/** The record of the container once it has ended, `undefined` when it took that along. */
async function ended(removal: Removal): Promise<StateEntry | undefined> {
  const { core, stateRoot, id, label, kill } = removal;
  const deadline = performance.now() + END_MS;
  for (let killed = false; ; killed = true) {
    const entry = stateOf(core, stateRoot, id);
    if (entry === undefined || entry.status === 'stopped' || entry.status === 'dead') return entry;
    if (kill === undefined) {
      throw new CtrError('CONTAINER_RUNNING', `container ${label} runs`, {
        hint: 'kill it first, or remove it by force (rm -f)',
      });
    }
    if (performance.now() > deadline) {
      throw new CtrError('CONTAINER_RUNNING', `container ${label} does not end`, {
        hint: 'its owner may be stopped; try again, or end the process that made it',
      });
    }
    if (!killed) {
      await kill().catch((error: unknown) => {
        if (!hasCode(error, 'CONTAINER_NOT_RUNNING') && !hasCode(error, 'CONTAINER_NOT_FOUND')) {
          throw error;
        }
      });
    }
    await delay(POLL_MS);
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof CtrError && error.code === code;
}
