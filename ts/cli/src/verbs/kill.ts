/** `ctr-ts kill`: signal PID 1 of containers. */

import { Container } from '@ctr-ts/sdk';
import { forEachTarget } from '../each.ts';
import { defineVerb } from '../verb.ts';
import { KILL_FLAGS } from './kill.flags.ts';

export const verb = defineVerb({
  id: 'kill',
  summary: 'send a signal to running containers',
  flags: KILL_FLAGS,
  positionals: { usage: 'CONTAINER...', min: 1 },
  examples: ['kill web', 'kill -s TERM web'],
  execute({ flags: { signal = 'SIGKILL', json = false }, positionals }, io) {
    return forEachTarget(positionals, io, json, async (target) => {
      const container = await Container.get(target);
      await container.kill(signal);
    });
  },
});
