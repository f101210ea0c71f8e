/**
 * The static half of the plugin contract: what a plugin's package.json says under `ctr-ts`. It is
 * read without loading the plugin; the entry is loaded when one of its hooks fires. Plugins are
 * trusted code in the caller's process. Types only.
 */

/** `package.json["ctr-ts"]`. */
export interface PluginManifest {
  apiVersion: 1;
  hooks: HookName[];
  /** Path of the module that holds the hooks, relative to the package. */
  entry: string;
  /** Names of plugins that run later than this one. */
  before?: string[];
  /** Names of plugins that run earlier than this one. */
  after?: string[];
}

export type HookName =
  | 'spec'
  | 'lifecycle'
  | 'image-source'
  | 'network-provider'
  | 'log-driver'
  | 'runtime-handler';
