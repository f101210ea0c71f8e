/** `ctr-ts attach`: the terminal of a container that was left running. */

import { Container } from '@ctr-ts/sdk';
import { parseDetachKeys } from '../detach-keys.ts';
import { follow, terminalFor } from '../follow.ts';
import { shortId } from '../present/containers.ts';
import { defineVerb } from '../verb.ts';
import { ATTACH_FLAGS } from './attach.flags.ts';

export const verb = defineVerb({
  id: 'attach',
  summary: 'connect to the terminal of a running container',
  flags: ATTACH_FLAGS,
  positionals: { usage: 'CONTAINER', min: 1, max: 1 },
  examples: ['attach web', 'attach --detach-keys ctrl-a,d web'],
  async execute({ flags, positionals: [target = ''] }, io) {
    const how = {
      json: flags.json,
      interactive: flags['no-stdin'] !== true,
      tty: true,
      detachKeys: parseDetachKeys(flags['detach-keys']),
      // Docker passes none on where there is a terminal: a closed window must not end what it shows.
      sigProxy: flags['sig-proxy'] ?? false,
      attached: true,
    };
    // ORDER: what does not exist is said before what stdin is not.
    const container = await Container.get(target);
    const name = async () => container.name ?? shortId(container.id);
    const started = container.attach({ terminal: terminalFor(how) });
    return follow(started, io, { ...how, name });
  },
});
