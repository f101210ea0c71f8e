/**
 * The plugin contract of ctr-ts. Its static half is what a plugin's package.json says under
 * `ctr-ts`; it is read without loading the plugin, whose modules are loaded when one of its
 * commands is typed or one of its hooks fires. Plugins are trusted code in the caller's process.
 */

import type { API_VERSION } from './manifest.ts';

export {
  type Command,
  type CommandFlag,
  type CommandFlagValue,
  type CommandFlagValues,
  type CommandInvocation,
  type CommandIo,
  type CommandPositionals,
  defineCommand,
} from './command.ts';
export { API_VERSION, type HookName, type PluginManifest } from './manifest.ts';

/** What a plugin's entry exports: its name, and the version of the contract it was written for. */
export interface Plugin {
  apiVersion: typeof API_VERSION;
  name: string;
}

/** The plugin as given, checked by the compiler: `export const plugin = definePlugin({...})`. */
export function definePlugin<const P extends Plugin>(plugin: P): P {
  return plugin;
}
