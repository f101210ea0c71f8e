/** The config of an image in the store. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CtrError } from '@ctr-ts/native';
import { digestOf } from '../digest.ts';
import { fileError } from '../file-error.ts';
import { type ImageConfig, readConfig } from '../oci/config.ts';
import { Json } from '../oci/json.ts';
import type { Store } from '../store.ts';
import { blobName } from './blobs.ts';
import type { StoredImage } from './images.ts';

/**
 * What an image of the store says about starting on it.
 *
 * @throws CtrError `FILE_NOT_FOUND`, `DIGEST_MISMATCH`, `INVALID_IMAGE`
 */
export async function readImageConfig(
  { dataRoot }: Store,
  { config }: Pick<StoredImage, 'config'>,
): Promise<ImageConfig> {
  const path = join(dataRoot, blobName(config));
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  const found = digestOf(bytes);
  if (found !== config) {
    throw new CtrError('DIGEST_MISMATCH', `read ${path}: its digest is ${found}`, {
      hint: 'the store is damaged: remove the image and pull it again',
    });
  }
  return readConfig(Json.parse(bytes.toString(), config)).image;
}
