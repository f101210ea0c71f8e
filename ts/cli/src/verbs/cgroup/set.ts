/** `ctr-ts cgroup set`: change the limits of a control group. */

import { cgroup } from '@ctr-ts/sdk';
import { limits } from '../../container-options.ts';
import { presentLimited } from '../../present/cgroup.ts';
import { defineVerb } from '../../verb.ts';
import { LIMITING_FLAGS } from './cgroup.flags.ts';

export const verb = defineVerb({
  id: 'cgroup set',
  summary: 'change the limits of a control group',
  flags: LIMITING_FLAGS,
  positionals: { usage: 'NAME', min: 1, max: 1 },
  examples: ['cgroup set asp --cpus 0.5'],
  async execute({ flags, positionals: [name = ''] }, io) {
    const limited = await cgroup.set(name, limits(flags));
    if (flags.json) io.printJson(limited);
    else io.print(presentLimited(limited));
    return 0;
  },
});
