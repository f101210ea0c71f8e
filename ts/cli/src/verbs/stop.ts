/** `ctr-ts stop`: ask containers to end, then kill them. */

import { Container, CtrError } from '@ctr-ts/sdk';
import { forEachTarget } from '../each.ts';
import { defineVerb } from '../verb.ts';
import { STOP_FLAGS } from './stop.flags.ts';

export const verb = defineVerb({
  id: 'stop',
  summary: 'ask running containers to end, kill them if they do not',
  flags: STOP_FLAGS,
  positionals: { usage: 'CONTAINER...', min: 1 },
  examples: ['stop web', 'stop -t 30 -s INT web db'],
  execute({ flags: { signal, timeout, json = false }, positionals }, io) {
    const timeoutMs = timeout === undefined ? undefined : patienceMs(timeout);
    return forEachTarget(positionals, io, json, async (target) => {
      const container = await Container.get(target);
      await container.stop({ signal, timeoutMs });
    });
  },
});

/** Docker's seconds: whole, negative for ever. */
function patienceMs(text: string): number {
  if (/^-\d+$/.test(text)) return Number.POSITIVE_INFINITY;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  throw new CtrError('INVALID_VALUE', `invalid --timeout ${JSON.stringify(text)}`, {
    hint: 'write whole seconds: --timeout 30',
  });
}
