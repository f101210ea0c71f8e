/** `ctr-ts run`: a container in the foreground. */

import { run } from '@ctr-ts/sdk';
import { containerOptions } from '../container-options.ts';
import { parseDetachKeys } from '../detach-keys.ts';
import { parseDurationMs } from '../duration.ts';
import { follow, processOptions } from '../follow.ts';
import { interruption } from '../interruption.ts';
import { shortId } from '../present/containers.ts';
import { pullWatch } from '../pull-watch.ts';
import { defineVerb } from '../verb.ts';
import { RUN_FLAGS } from './run.flags.ts';

export const verb = defineVerb({
  id: 'run',
  summary: 'run a command in a new container',
  flags: RUN_FLAGS,
  positionals: { usage: 'IMAGE [COMMAND [ARG...]]', min: 1, endFlags: true },
  examples: [
    'run --rm host: id',
    'run --rm -it host: bash',
    'run --rm alpine cat /etc/os-release',
    'run --rm -i -v ./src:/src:ro -w /src host: node test.js',
    'run --rm --memory 256m --cpus 0.5 --timeout 30s oci:./image:latest make',
  ],
  async execute({ flags, positionals }, io) {
    const { timeout } = flags;
    const how = {
      json: flags.json,
      interactive: flags.interactive,
      attach: flags.attach,
      tty: flags.tty,
      detachKeys: parseDetachKeys(flags['detach-keys']),
      sigProxy: flags['sig-proxy'],
      timeoutMs: timeout === undefined ? undefined : parseDurationMs(timeout, '--timeout'),
    };
    const options = containerOptions(flags, positionals, io.env);
    const pull = pullWatch(io, { quiet: flags.quiet, policy: options.pull });
    const connected = processOptions(how);
    // Pulling and unpacking take their time, and there is nothing yet that a signal could be for.
    using beforehand = interruption(io);
    const { onPull } = pull;
    const own = { ...connected, remove: flags.rm ?? false, onPull, signal: beforehand.signal };
    try {
      const started = run({ ...options, ...own });
      const name = async () => flags.name ?? shortId((await started.started).containerId);
      return await follow(started, io, { ...how, name, beforehand });
    } catch (error) {
      // ORDER: the progress first, which would draw over what is said below it.
      pull.close();
      return beforehand.exitCode(error);
    }
  },
});
