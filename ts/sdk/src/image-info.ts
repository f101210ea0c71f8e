/** What is known about an image of the store, as a value. */

import {
  familiarName,
  formatPlatform,
  type ImageConfig,
  parseReference,
  type RegistryReference,
  type StoredImage,
} from '@ctr-ts/image';

/** An image of the store. JSON-safe. */
export interface ImageInfo {
  /** Digest of its config. */
  id: string;
  /** In full, for example `docker.io/library/alpine:latest`; a pull by tag gives one. */
  references: string[];
  /** The same as people type them: `alpine:latest`. */
  names: string[];
  /** Digest of what the reference named in its registry: an index or a manifest. */
  digest: string;
  /** For example `linux/amd64`. */
  platform: string;
  /** When it was built, ISO 8601; `null` when it does not say. */
  createdAt: string | null;
  /** Of its documents and its layers as they were downloaded. */
  sizeBytes: number;
  /** ISO 8601. */
  pulledAt: string;
}

/** An image with what it says about starting on it. JSON-safe. */
export interface ImageDetails extends ImageInfo {
  config: {
    env: string[];
    entrypoint: string[];
    command: string[];
    /** Empty where it does not say; so are the others. */
    workdir: string;
    user: string;
    labels: Record<string, string>;
    stopSignal: string | null;
    /** Paths it keeps data at. */
    volumes: string[];
    /** For example `80/tcp`. */
    exposedPorts: string[];
  };
}

/** A stored image with its config. */
export function describeWithConfig(image: StoredImage, config: ImageConfig): ImageDetails {
  const { cmd, stopSignal, ...same } = config;
  return {
    ...describeImage(image),
    config: { ...same, command: cmd, stopSignal: stopSignal ?? null },
  };
}

/** The value of a stored image. */
export function describeImage(image: StoredImage): ImageInfo {
  return {
    id: image.config,
    references: image.references,
    names: image.references.map(familiarReference),
    digest: image.digest,
    platform: formatPlatform(image.platform),
    createdAt: isoTime(image.createdAt),
    sizeBytes: image.sizeBytes,
    pulledAt: new Date(image.pulledAt).toISOString(),
  };
}

/** `alpine:latest` for `docker.io/library/alpine:latest`; anything else as it is. */
export function familiarReference(text: string): string {
  const reference = registryReference(text);
  return reference === undefined ? text : familiarName(reference);
}

/** The registry reference that `text` is, `undefined` when it is none. */
export function registryReference(text: string): RegistryReference | undefined {
  try {
    const reference = parseReference(text);
    return reference.transport === 'registry' ? reference : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 3339, or nothing: an image says what it likes, and year 1 is Go's way to say nothing. */
function isoTime(text: string | undefined): string | null {
  if (text === undefined || !/^\d{4}-\d\d-\d\dT/.test(text) || text.startsWith('0001-'))
    return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
