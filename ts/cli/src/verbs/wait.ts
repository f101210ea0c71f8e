/** `ctr-ts wait`: wait for containers to end, print their exit codes. */

import { Container, CtrError } from '@ctr-ts/sdk';
import { forEachTarget } from '../each.ts';
import { exitCodeOfProcess } from '../report.ts';
import { defineVerb } from '../verb.ts';
import { WAIT_FLAGS } from './wait.flags.ts';

export const verb = defineVerb({
  id: 'wait',
  summary: 'wait until containers have ended, then print their exit codes',
  flags: WAIT_FLAGS,
  positionals: { usage: 'CONTAINER...', min: 1 },
  examples: ['wait web', 'wait web db'],
  execute({ flags: { json = false }, positionals }, io) {
    return forEachTarget(positionals, io, json, exitCodeOfContainer, (exitCode) => ({
      lines: [String(exitCode)],
      facts: { exitCode },
    }));
  },
});

async function exitCodeOfContainer(name: string): Promise<number> {
  const container = await Container.get(name);
  const exit = await container.wait();
  if (exit.reason === undefined) return exitCodeOfProcess(exit);
  throw new CtrError('RUNTIME_LOST', `how container ${name} ended is not on record`, {
    hint: 'only a container of run without --rm leaves one',
  });
}
