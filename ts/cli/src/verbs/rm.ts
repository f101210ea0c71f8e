/** `ctr-ts rm`: remove containers. */

import { Container } from '@ctr-ts/sdk';
import { forEachTarget } from '../each.ts';
import { defineVerb } from '../verb.ts';
import { RM_FLAGS } from './rm.flags.ts';

export const verb = defineVerb({
  id: 'rm',
  summary: 'remove stopped containers',
  flags: RM_FLAGS,
  positionals: { usage: 'CONTAINER...', min: 1 },
  examples: ['rm web', 'rm -f web'],
  execute({ flags: { force = false, json = false }, positionals }, io) {
    return forEachTarget(positionals, io, json, async (target) => {
      const container = await Container.get(target);
      await container.remove({ force });
    });
  },
});
