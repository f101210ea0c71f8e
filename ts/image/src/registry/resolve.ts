/** From a reference to the document it names, with as little traffic as that takes. */

import type { Descriptor } from '../oci/descriptor.ts';
import type { ReadDocument } from '../oci/image.ts';
import type { RegistryReference } from '../registry-reference.ts';
import { readDocument } from '../store/blobs.ts';
import type { ImageRecord } from '../store/refs.ts';
import type { Store } from '../store.ts';
import type { Repository } from './client.ts';

/** What a reference names, and how to read on from there. */
export interface Named {
  descriptor: Descriptor;
  read: ReadDocument;
}

/**
 * Resolves a reference. Where the tag still names what it named before, and that is in the store,
 * only its digest is asked for.
 *
 * @throws what `Repository` throws
 */
export async function resolveReference(
  { tag = 'latest', digest }: RegistryReference,
  repository: Repository,
  store: Store,
  before: ImageRecord | undefined,
): Promise<Named> {
  const wanted = digest ?? (before && (await repository.digestOf(tag)));
  const known = before?.documents.find((document) => document.digest === wanted);
  // Without a lease it may go at any time, and what is damaged is fetched again: then the registry
  // is asked.
  const inStore = (descriptor: Pick<Descriptor, 'digest'>) => readDocument(store, descriptor);
  const stored = known && (await inStore(known));
  const top =
    known !== undefined && stored !== undefined
      ? { descriptor: { ...known, mediaType: '' }, bytes: stored }
      : await repository.manifest(digest ?? tag);
  const read: ReadDocument = async (descriptor, kind) => {
    if (descriptor === top.descriptor) return top.bytes;
    const bytes = await inStore(descriptor);
    if (bytes !== undefined) return bytes;
    if (kind === 'config') return repository.blob(descriptor);
    return (await repository.manifest(descriptor.digest)).bytes;
  };
  return { descriptor: top.descriptor, read };
}
