/** `ctr-ts image inspect`: all that is known of images, always as JSON. */

import { Image } from '@ctr-ts/sdk';
import { inspectEach } from '../../inspect-each.ts';
import { defineVerb } from '../../verb.ts';
import { IMAGE_INSPECT_FLAGS } from './inspect.flags.ts';

export const verb = defineVerb({
  id: 'image inspect',
  summary: 'show all that is known of images, as JSON',
  flags: IMAGE_INSPECT_FLAGS,
  positionals: { usage: 'IMAGE...', min: 1 },
  examples: ['image inspect alpine'],
  execute({ flags: { json = false }, positionals }, io) {
    return inspectEach(positionals, io, json, (target) => Image.get(target));
  },
});
