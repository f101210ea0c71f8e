/** `ctr-ts inspect`: all that is known of containers, always as JSON. */

import { Container } from '@ctr-ts/sdk';
import { inspectEach } from '../inspect-each.ts';
import { defineVerb } from '../verb.ts';
import { INSPECT_FLAGS } from './inspect.flags.ts';

export const verb = defineVerb({
  id: 'inspect',
  summary: 'show all that is known of containers, as JSON',
  flags: INSPECT_FLAGS,
  positionals: { usage: 'CONTAINER...', min: 1 },
  examples: ['inspect web'],
  execute({ flags: { json = false }, positionals }, io) {
    return inspectEach(positionals, io, json, async (target) => {
      const container = await Container.get(target);
      return container.inspect();
    });
  },
});
