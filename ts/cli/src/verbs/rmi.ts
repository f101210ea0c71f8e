/** `ctr-ts rmi`: remove images. */

import { Image } from '@ctr-ts/sdk';
import { forEachTarget } from '../each.ts';
import { defineVerb } from '../verb.ts';
import { RMI_FLAGS } from './rmi.flags.ts';

export const verb = defineVerb({
  id: 'rmi',
  summary: 'remove images',
  flags: RMI_FLAGS,
  positionals: { usage: 'IMAGE...', min: 1 },
  examples: ['rmi alpine', 'rmi -f 4abcf2066143'],
  execute({ flags: { force = false, json = false }, positionals }, io) {
    return forEachTarget(
      positionals,
      io,
      json,
      (target) => Image.remove(target, { force }),
      ({ untagged, deleted }) => ({
        lines: [
          ...untagged.map((name) => `Untagged: ${name}`),
          ...deleted.map((digest) => `Deleted: ${digest}`),
        ],
        facts: { untagged, deleted },
      }),
    );
  },
});
