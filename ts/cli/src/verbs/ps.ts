/** `ctr-ts ps`: list containers. */

import { Container } from '@ctr-ts/sdk';
import { presentContainers, shortId } from '../present/containers.ts';
import { defineVerb } from '../verb.ts';
import { PS_FLAGS } from './ps.flags.ts';

export const verb = defineVerb({
  id: 'ps',
  summary: 'list containers',
  flags: PS_FLAGS,
  positionals: { usage: '', min: 0, max: 0 },
  examples: ['ps', 'ps -a --json'],
  async execute({ flags: { all = false, json, quiet, 'no-trunc': whole = false } }, io) {
    const containers = await Container.list({ all });
    if (json) io.printJson(containers);
    else if (quiet) for (const { id } of containers) io.print(whole ? id : shortId(id));
    else io.print(presentContainers(containers, { whole, now: Date.now() }));
    return 0;
  },
});
