/** What is written down of a plugin, so that help and dispatch need none of its code. */

import type { Command } from '@ctr-ts/plugin';

/** A command without its function. */
export type CommandRecord = Required<Omit<Command, 'execute'>>;

/** What package.json says of a plugin, checked. */
export interface PluginFacts {
  name: string;
  version: string;
  /** Of the contract. */
  apiVersion: number;
  /** Path of the module that exports `commands`, relative to the package. */
  module: string;
  /** oclif's events to paths of modules, relative to the package. */
  hooks: Readonly<Record<string, readonly string[]>>;
  /** Verbs of ours for which the hooks fire. */
  hookedVerbs: readonly string[];
}

/** A row of the index. */
export interface PluginRecord extends PluginFacts {
  source: 'installed' | 'linked';
  /** What the user named: a package, a file or a folder. */
  origin: string;
  /** The package's folder; of an installed plugin relative to the plugin directory. */
  root: string;
  commands: readonly CommandRecord[];
}

/** All plugins of a user. */
export interface Index {
  plugins: readonly PluginRecord[];
}
