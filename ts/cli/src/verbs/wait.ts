/** `ctr-ts wait`: wait for containers to end, print their exit codes. */

import { Container, CtrError } from '@ctr-ts/sdk';
import { errorDocument, exitCodeOf, exitCodeOfProcess, report } from '../report.ts';
import { defineVerb } from '../verb.ts';
import { WAIT_FLAGS } from './wait.flags.ts';

export const verb = defineVerb({
  id: 'wait',
  summary: 'wait until containers have ended, then print their exit codes',
  flags: WAIT_FLAGS,
  positionals: { usage: 'CONTAINER...', min: 1 },
  examples: ['wait web', 'wait web db'],
  async execute({ flags: { json = false }, positionals }, io) {
    const outcomes: unknown[] = [];
    let code = 0;
    for (const name of positionals) {
      try {
        const exitCode = await exitCodeOfContainer(name);
        outcomes.push({ name, ok: true, exitCode });
        if (!json) io.print(String(exitCode));
      } catch (error) {
        if (json && positionals.length === 1) throw error;
        outcomes.push({ name, ok: false, ...errorDocument(error) });
        code = json ? exitCodeOf(error) : report(error, io);
      }
    }
    if (json) io.printJson(outcomes);
    return code;
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
