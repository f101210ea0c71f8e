/** The plugins there are, each with what is wrong with it. */

import { resolve } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';
import { describePlugin } from './describe.ts';
import { readIndex } from './index-file.ts';
import { readManifest } from './manifest.ts';
import { firstWord, isReserved } from './names.ts';
import type { PluginRecord } from './record.ts';

/** A plugin, for people and programs. */
export interface PluginInfo {
  name: string;
  version: string;
  source: PluginRecord['source'];
  /** What was named to install it. */
  origin: string;
  /** The package's folder, absolute. */
  root: string;
  /** Ids of its commands. */
  commands: string[];
  /** Verbs of ours that start through oclif because of it. */
  hookedVerbs: string[];
  /** Why its commands do not run; absent when they do. */
  problem?: { code: string; message: string; hint?: string };
}

/** All plugins of a directory; each is loaded, in a process of its own, to see whether it can be. */
export function listPlugins(directory: string): Promise<PluginInfo[]> {
  return Promise.all(readIndex(directory).plugins.map((plugin) => inspect(directory, plugin)));
}

/** A row of the index as it is shown. */
export function pluginInfo(directory: string, plugin: PluginRecord): PluginInfo {
  const { name, version, source, origin, commands, hookedVerbs } = plugin;
  return {
    name,
    version,
    source,
    origin,
    root: resolve(directory, plugin.root),
    commands: commands.map(({ id }) => id),
    hookedVerbs: [...hookedVerbs],
  };
}

async function inspect(directory: string, plugin: PluginRecord): Promise<PluginInfo> {
  const info = pluginInfo(directory, plugin);
  try {
    const { name, version, module } = readManifest(info.root);
    // Of a linked plugin the folder counts, as it is now.
    const now = { ...info, name, version };
    const commands = await describePlugin({ name, root: info.root, module });
    requireSame(
      info,
      commands.map(({ id }) => id),
    );
    return now;
  } catch (error) {
    if (!(error instanceof CtrError)) throw error;
    const { code, message, hint } = error;
    return { ...info, problem: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
}

function requireSame({ name, origin, source, commands }: PluginInfo, now: readonly string[]): void {
  const shadowed = commands.find((id) => isReserved(firstWord(id)));
  if (shadowed !== undefined) {
    throw new CtrError('PLUGIN_COLLISION', `${shadowed} of ${name} is now a word of ctr-ts`, {
      hint: `ctr-ts plugins uninstall ${name}, or install a version that has renamed it`,
    });
  }
  if (commands.length === now.length && commands.every((id) => now.includes(id))) return;
  throw new CtrError('PLUGIN_CHANGED', `the commands of ${name} are not those it was added with`, {
    hint:
      source === 'linked' ? `ctr-ts plugins link ${origin}` : `ctr-ts plugins install ${origin}`,
  });
}
