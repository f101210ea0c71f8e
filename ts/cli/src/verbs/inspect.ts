/** `ctr-ts inspect`: all that is known of containers, always as JSON. */

import { Container, type ContainerInfo } from '@ctr-ts/sdk';
import { type ErrorDocument, errorDocument, exitCodeOf, report } from '../report.ts';
import { defineVerb } from '../verb.ts';
import { INSPECT_FLAGS } from './inspect.flags.ts';

export const verb = defineVerb({
  id: 'inspect',
  summary: 'show all that is known of containers, as JSON',
  flags: INSPECT_FLAGS,
  positionals: { usage: 'CONTAINER...', min: 1 },
  examples: ['inspect web'],
  async execute({ flags: { json = false }, positionals }, io) {
    const found: (ContainerInfo | ErrorDocument)[] = [];
    let code = 0;
    for (const target of positionals) {
      try {
        const container = await Container.get(target);
        found.push(await container.inspect());
      } catch (error) {
        if (json && positionals.length === 1) throw error;
        if (json) found.push(errorDocument(error));
        code = json ? exitCodeOf(error) : report(error, io);
      }
    }
    // As docker: what was found is printed even when something was not.
    io.printJson(found);
    return code;
  },
});
