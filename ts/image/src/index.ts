/** Image references, the content store, and the way from an image to a root file system. */

export type { Digest } from './digest.ts';
export type { OciMount } from './host/mounts.ts';
export { NODE_DIRECTORY } from './host/mounts.ts';
export type { ImageConfig } from './oci/layout.ts';
export type { AppliedLayer, ApplyLayer, LayerOptions } from './oci/unpack.ts';
export { pruneSkeletons, pruneStaging, pruneWritableLayers } from './prune.ts';
export { parseReference, type Reference } from './reference.ts';
export {
  type OverlayUpper,
  type PreparedRoot,
  type PrepareOptions,
  prepareRoot,
  type RootSource,
} from './root.ts';
export { openStore, type RemoveTree, type Store } from './store.ts';
