/** `ctr-ts cgroup create`: make a control group, with limits. */

import { cgroup } from '@ctr-ts/sdk';
import { limits } from '../../container-options.ts';
import { presentLimited } from '../../present/cgroup.ts';
import { defineVerb } from '../../verb.ts';
import { LIMITING_FLAGS } from './cgroup.flags.ts';

export const verb = defineVerb({
  id: 'cgroup create',
  summary: 'make a control group, with limits',
  flags: LIMITING_FLAGS,
  positionals: { usage: 'NAME', min: 1, max: 1 },
  examples: ['cgroup create asp --cpus 0.2', 'cgroup create asp --memory 256m --pids-limit 64'],
  async execute({ flags, positionals: [name = ''] }, io) {
    const limited = await cgroup.create(name, limits(flags));
    if (flags.json) io.printJson(limited);
    else io.print(presentLimited(limited));
    return 0;
  },
});
