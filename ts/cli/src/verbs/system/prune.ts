/** `ctr-ts system prune`: remove what ended containers and dead processes left behind. */

import { prune } from '@ctr-ts/sdk';
import { confirm } from '../../confirm.ts';
import { presentPruned } from '../../present/pruned.ts';
import { defineVerb } from '../../verb.ts';
import { PRUNE_FLAGS } from './prune.flags.ts';

export const verb = defineVerb({
  id: 'system prune',
  summary: 'remove stopped containers and what dead processes left behind',
  flags: PRUNE_FLAGS,
  positionals: { usage: '', min: 0, max: 0 },
  examples: ['system prune', 'system prune -f --json'],
  async execute({ flags: { force = false, json = false } }, io) {
    const sure = force || json || (await confirm('remove all stopped containers?'));
    if (!sure) return 0;
    const report = await prune();
    if (json) io.printJson(report);
    else io.print(presentPruned(report));
    return 0;
  },
});
