/** `ctr-ts cgroup rm`: remove control groups. */

import { cgroup } from '@ctr-ts/sdk';
import { forEachTarget } from '../../each.ts';
import { defineVerb } from '../../verb.ts';
import { PLAIN_FLAGS } from './cgroup.flags.ts';

export const verb = defineVerb({
  id: 'cgroup rm',
  summary: 'remove control groups that hold no process',
  flags: PLAIN_FLAGS,
  positionals: { usage: 'NAME...', min: 1 },
  examples: ['cgroup rm asp'],
  execute({ flags: { json = false }, positionals }, io) {
    return forEachTarget(positionals, io, json, async (name) => {
      await cgroup.remove(name);
    });
  },
});
