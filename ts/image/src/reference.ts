/** Image references: a transport and what it names. */

import { CtrError } from '@ctr-ts/native';

/** Where an image comes from. */
export type Reference =
  | { transport: 'host' }
  | { transport: 'rootfs'; directory: string }
  | { transport: 'oci'; directory: string; tag: string | undefined };

const SOURCES = 'host:, rootfs:DIR or oci:DIR[:TAG]';

/** Transports that other tools know and we do not serve yet. */
const LATER = new Set([
  'docker',
  'docker-archive',
  'oci-archive',
  'docker-daemon',
  'containers-storage',
  'dir',
]);

/** distribution reference grammar: path components, an optional host before them, tag, digest. */
const REGISTRY =
  /^[a-z0-9]+(?:[._:-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/;

/** A tag of an OCI layout: `org.opencontainers.image.ref.name`. */
const TAG = /^[A-Za-z0-9]+(?:[-._:@/+][A-Za-z0-9]+)*$/;

/**
 * Parses a reference.
 *
 * @throws CtrError `INVALID_REFERENCE`, `UNKNOWN_SOURCE`; `NOT_YET` for what a registry would have
 */
export function parseReference(text: string): Reference {
  if (text === '' || /[\0\n]/.test(text)) throw invalid(text, 'it is empty or has a line break');
  const transport = /^([a-z][a-z0-9-]*):/.exec(text)?.[1];
  const rest = text.slice((transport?.length ?? -1) + 1);
  if (transport === 'host') {
    if (rest !== '') throw invalid(text, 'host: takes nothing after the colon');
    return { transport: 'host' };
  }
  if (transport === 'rootfs') {
    if (rest === '') throw invalid(text, 'rootfs: needs a directory');
    return { transport: 'rootfs', directory: rest };
  }
  if (transport === 'oci') return ociReference(text, rest);
  if (transport !== undefined && LATER.has(transport)) throw notYet(text);
  if (transport !== undefined && !REGISTRY.test(text)) {
    throw new CtrError('UNKNOWN_SOURCE', `open image ${text}: unknown source ${transport}:`, {
      hint: `use ${SOURCES}`,
    });
  }
  if (!REGISTRY.test(text)) throw invalid(text, 'it is no image reference');
  throw notYet(text);
}

/** The tag follows the last colon that has no slash behind it, as in skopeo. */
function ociReference(text: string, rest: string): Reference {
  const colon = rest.lastIndexOf(':');
  const hasTag = colon >= 0 && !rest.slice(colon).includes('/');
  const directory = hasTag ? rest.slice(0, colon) : rest;
  const tag = hasTag ? rest.slice(colon + 1) : undefined;
  if (directory === '') throw invalid(text, 'oci: needs a directory');
  if (tag !== undefined && !TAG.test(tag)) throw invalid(text, `${JSON.stringify(tag)} is no tag`);
  return { transport: 'oci', directory, tag };
}

function invalid(text: string, why: string): CtrError {
  return new CtrError('INVALID_REFERENCE', `open image ${JSON.stringify(text)}: ${why}`, {
    hint: `use ${SOURCES}`,
  });
}

function notYet(text: string): CtrError {
  return new CtrError('NOT_YET', `open image ${text}: registries are not supported yet`, {
    hint: `use ${SOURCES}; host: works on any machine without a download`,
  });
}
