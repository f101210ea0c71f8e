/** Image references: a transport and what it names. */

import { CtrError } from '@ctr-ts/native';
import { parseRegistryReference, type RegistryReference } from './registry-reference.ts';

/** Where an image comes from. */
export type Reference =
  | { transport: 'host' }
  | { transport: 'rootfs'; directory: string }
  | { transport: 'oci'; directory: string; tag: string | undefined }
  | RegistryReference;

const SOURCES = 'the name of an image, host:, rootfs:DIR or oci:DIR[:TAG]';

/** Transports that other tools know and we do not serve yet. */
const LATER = new Set([
  'docker-archive',
  'oci-archive',
  'docker-daemon',
  'containers-storage',
  'dir',
]);

/** A tag of an OCI layout: `org.opencontainers.image.ref.name`. */
const TAG = /^[A-Za-z0-9]+(?:[-._:@/+][A-Za-z0-9]+)*$/;

/**
 * Parses a reference. What names no transport is an image in a registry, `alpine` as docker has it.
 *
 * @throws CtrError `INVALID_REFERENCE`, `UNKNOWN_SOURCE`; `NOT_YET` for a transport of other tools
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
  if (transport !== undefined && LATER.has(transport)) throw notYet(text, transport);
  // Without the slashes it is docker's own image: `docker:dind`.
  if (text.startsWith('docker://')) return parseRegistryReference(rest.slice('//'.length));
  if (transport === 'http' || transport === 'https') {
    throw new CtrError('UNKNOWN_SOURCE', `open image ${text}: ${transport}: is no source`, {
      hint: `leave out ${transport}://; use ${SOURCES}`,
    });
  }
  if (transport !== undefined && (rest === '' || rest.startsWith('/'))) {
    throw new CtrError('UNKNOWN_SOURCE', `open image ${text}: unknown source ${transport}:`, {
      hint: `use ${SOURCES}`,
    });
  }
  return parseRegistryReference(text);
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

function notYet(text: string, transport: string): CtrError {
  return new CtrError('NOT_YET', `open image ${text}: ${transport}: is not supported yet`, {
    hint: `make a layout of it: skopeo copy ${text} oci:DIR; then use oci:DIR[:TAG]`,
  });
}
