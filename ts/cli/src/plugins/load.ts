/** Loads a plugin's code. */

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Command } from '@ctr-ts/plugin';
import { CtrError } from '@ctr-ts/sdk';
import { readCommands } from './command.ts';
import { shareOwnPackages } from './own-packages.ts';

/** What is to be loaded: a name for messages, the package's folder, its module. */
export interface Loadable {
  name: string;
  root: string;
  module: string;
}

/**
 * The commands of a plugin.
 *
 * @throws CtrError `PLUGIN_BROKEN`, `PLUGIN_INVALID`
 */
export async function loadCommands({ name, root, module }: Loadable): Promise<Command[]> {
  shareOwnPackages();
  let loaded: Record<string, unknown>;
  try {
    loaded = await import(pathToFileURL(resolve(root, module)).href);
  } catch (cause) {
    throw broken(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return readCommands(name, loaded);
}

/** A plugin whose code cannot be had. */
export function broken(name: string, reason: string, cause?: unknown): CtrError {
  return new CtrError('PLUGIN_BROKEN', `load plugin ${name}: ${reason}`, {
    cause,
    hint: `install it again, or remove it: ctr-ts plugins uninstall ${name}`,
  });
}
