/** The static half of the contract: what a plugin's package.json says, read without loading it. */

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

/**
 * `package.json["ctr-ts"]`.
 *
 * A plugin has `@ctr-ts/sdk` and `@ctr-ts/plugin` as peer dependencies: it runs on the copies of
 * the `ctr-ts` that loads it, since a process holds one native core.
 */
export interface PluginManifest {
  apiVersion: typeof API_VERSION;
  /**
   * Path of the ES module that exports `commands`, an array of what `defineCommand` returns;
   * relative to the package. It is loaded when one of the commands is typed.
   */
  commands?: string;
  /**
   * Verbs of ctr-ts for which the plugin's oclif hooks (`package.json["oclif"].hooks`: `init`,
   * `prerun`, `postrun`) fire. Each of them starts slower from then on, for oclif is loaded first.
   */
  hookedVerbs?: readonly string[];
  /** Hooks of the engine, by name. */
  hooks?: readonly HookName[];
  /** Path of the module that holds the hooks, relative to the package. */
  entry?: string;
  /** Names of plugins that run later than this one. */
  before?: readonly string[];
  /** Names of plugins that run earlier than this one. */
  after?: readonly string[];
}
