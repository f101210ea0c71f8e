/** `ctr-ts exec`: a further process in a running container. */

import { Container } from '@ctr-ts/sdk';
import { parseEnv } from '../docker-syntax.ts';
import { follow, processOptions } from '../follow.ts';
import { defineVerb } from '../verb.ts';
import { EXEC_FLAGS } from './exec.flags.ts';

export const verb = defineVerb({
  id: 'exec',
  summary: 'run a command in a running container',
  flags: EXEC_FLAGS,
  positionals: { usage: 'CONTAINER COMMAND [ARG...]', min: 2, endFlags: true },
  examples: ['exec web ps', 'exec -it -e LANG=C web sh'],
  async execute({ flags, positionals: [id = '', ...command] }, io) {
    const container = await Container.get(id);
    const started = container.exec(command, {
      ...processOptions(flags),
      env: parseEnv(flags.env ?? [], io.env, flags['env-file']),
      workdir: flags.workdir,
      user: flags.user,
      privileged: flags.privileged,
    });
    return follow(started, io, flags);
  },
});
