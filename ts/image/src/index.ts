/** Image references, the content store, and the way from an image to a root file system. */

export type { Digest } from './digest.ts';
export type { OciMount } from './host/mounts.ts';
export { NODE_DIRECTORY } from './host/mounts.ts';
export type { ImageConfig } from './oci/config.ts';
export type { AppliedLayer, ApplyLayer, LayerOptions } from './oci/unpack.ts';
export {
  formatPlatform,
  hostPlatform,
  type Platform,
  parsePlatform,
  runsOn,
} from './platform.ts';
export { pruneSkeletons, pruneStaging, pruneWritableLayers } from './prune.ts';
export type { PullEvent } from './pull/event.ts';
export { pullImage } from './pull/lazily.ts';
export type { PulledImage, PullOptions } from './pull/pull.ts';
export { parseReference, type Reference } from './reference.ts';
export {
  type CredentialSource,
  type Credentials,
  dockerCredentials,
  type KeptByHelper,
} from './registry/credentials.ts';
export type { NetworkLimits } from './registry/network.ts';
export { familiarName, formatReference, type RegistryReference } from './registry-reference.ts';
export {
  type OverlayUpper,
  type PreparedRoot,
  type PrepareOptions,
  prepareImage,
  prepareRoot,
  type RootSource,
} from './root.ts';
export { type LayersInUse, pruneUnused, type Unused } from './store/collect.ts';
export { readImageConfig } from './store/config.ts';
export {
  findImage,
  type ImageParts,
  isComplete,
  listImages,
  type StoredImage,
} from './store/images.ts';
export { type RemovedImages, type RemoveOptions, removeImages } from './store/remove.ts';
export { markedRunRoots, markRunRoot } from './store/run-roots.ts';
export { openStore, type RemoveTree, type Store } from './store.ts';
