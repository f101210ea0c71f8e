/** The native core of ctr-ts: the loader, the client and the types of the addon's surface. */

export type {
  Addon,
  AddonEvent,
  AppliedLayer,
  Enforcement,
  IdMapLine,
  LauncherOptions,
  LaunchRequest,
  LayerOptions,
  NativeExecRequest,
  NativeFailure,
  PruneReport,
  StateEntry,
  StateExit,
  Stdio,
  StdioMode,
  StdioModes,
  TerminalRequest,
  WindowSize,
} from './addon.ts';
export { Client, client, type Launched } from './client.ts';
export {
  CtrError,
  type CtrErrorOptions,
  ERROR_CODES,
  type ErrorCode,
  type ErrorFacts,
} from './error.ts';
export { type Native, native } from './load.ts';
export type { Exited, Started } from './operation.ts';
