/** `ctr-ts cgroup stat`: what a control group used, beside its limits. */

import { cgroup } from '@ctr-ts/sdk';
import { presentStat } from '../../present/cgroup.ts';
import { defineVerb } from '../../verb.ts';
import { PLAIN_FLAGS } from './cgroup.flags.ts';

export const verb = defineVerb({
  id: 'cgroup stat',
  summary: 'show what a control group used, beside its limits',
  flags: PLAIN_FLAGS,
  positionals: { usage: 'NAME', min: 1, max: 1 },
  examples: ['cgroup stat asp', 'cgroup stat asp --json'],
  async execute({ flags, positionals: [name = ''] }, io) {
    const stat = await cgroup.stat(name);
    if (flags.json) io.printJson(stat);
    else io.print(presentStat(stat, io));
    return 0;
  },
});
