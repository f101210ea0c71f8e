/** `ctr-ts cgroup tree`: which controllers there are, and our groups. */

import { cgroup } from '@ctr-ts/sdk';
import { presentTree } from '../../present/cgroup.ts';
import { defineVerb } from '../../verb.ts';
import { PLAIN_FLAGS } from './cgroup.flags.ts';

export const verb = defineVerb({
  id: 'cgroup tree',
  summary: 'show the controllers of this machine and our control groups',
  flags: PLAIN_FLAGS,
  positionals: { usage: '', min: 0, max: 0 },
  examples: ['cgroup tree'],
  async execute({ flags }, io) {
    const [report, tree] = await Promise.all([cgroup.report(), cgroup.tree()]);
    if (flags.json) io.printJson({ report, tree });
    else io.print(presentTree(report, tree));
    return 0;
  },
});
