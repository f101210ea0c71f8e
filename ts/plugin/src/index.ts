/**
 * The plugin contract of ctr-ts. Its static half is what a plugin's package.json says under
 * `ctr-ts`; it is read without loading the plugin, whose entry is loaded when one of its hooks
 * fires. Plugins are trusted code in the caller's process.
 */

/** The version of the contract that this package describes. */
export const API_VERSION = 1;

/** Where a plugin can act, each in its own turn: one after the other, in the declared order. */
export type HookName =
  | 'spec'
  | 'lifecycle'
  | 'image-source'
  | 'network-provider'
  | 'log-driver'
  | 'runtime-handler';

/** `package.json["ctr-ts"]`. */
export interface PluginManifest {
  apiVersion: typeof API_VERSION;
  hooks: readonly HookName[];
  /** Path of the module that holds the hooks, relative to the package. */
  entry: string;
  /** Names of plugins that run later than this one. */
  before?: readonly string[];
  /** Names of plugins that run earlier than this one. */
  after?: readonly string[];
}

/** What a plugin's entry exports: its name, and the version of the contract it was written for. */
export interface Plugin {
  apiVersion: typeof API_VERSION;
  name: string;
}

/** The plugin as given, checked by the compiler: `export const plugin = definePlugin({...})`. */
export function definePlugin<const P extends Plugin>(plugin: P): P {
  return plugin;
}
