/** `ctr-ts images`: list the images of the store. */

import { Image } from '@ctr-ts/sdk';
import { presentImages, shortImageId } from '../present/images.ts';
import { defineVerb } from '../verb.ts';
import { IMAGES_FLAGS } from './images.flags.ts';

export const verb = defineVerb({
  id: 'images',
  summary: 'list images',
  flags: IMAGES_FLAGS,
  positionals: { usage: '[REPOSITORY[:TAG]]', min: 0, max: 1 },
  examples: ['images', 'images --digests alpine'],
  async execute({ flags, positionals: [repository] }, io) {
    const { digests = false, json, quiet, 'no-trunc': whole = false } = flags;
    const images = await Image.list({ repository });
    if (json) io.printJson(images);
    else if (quiet) {
      const ids = new Set(images.map(({ id }) => (whole ? id : shortImageId(id))));
      for (const id of ids) io.print(id);
    } else io.print(presentImages(images, { whole, digests, now: Date.now() }));
    return 0;
  },
});
