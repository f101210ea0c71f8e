/** `ctr-ts unshare`: a command in namespaces of its own, and nothing else of a container. */

import { unshare } from '@ctr-ts/sdk';
import { exitCodeOfProcess } from '../report.ts';
import { defineVerb } from '../verb.ts';
import { NAMESPACE_FLAGS, UNSHARE_FLAGS } from './unshare.flags.ts';

/** A flag that makes no sense without a namespace asks for it too, as in unshare(1). */
const IMPLIED = { 'map-root-user': 'user', 'mount-proc': 'mount', hostname: 'uts' } as const;

type NamespaceFlag = keyof typeof NAMESPACE_FLAGS;

export const verb = defineVerb({
  id: 'unshare',
  summary: 'run a command in new namespaces',
  flags: UNSHARE_FLAGS,
  positionals: { usage: '[--] [COMMAND [ARG...]]', min: 0, endFlags: true },
  examples: ['unshare --fork --user --pid --map-root-user --mount-proc -- /bin/bash'],
  async execute({ flags, positionals }, io) {
    const wanted = new Set<NamespaceFlag>();
    for (const name of Object.keys(NAMESPACE_FLAGS) as NamespaceFlag[]) {
      if (flags[name]) wanted.add(name);
    }
    for (const [flag, name] of Object.entries(IMPLIED)) {
      if (flags[flag as keyof typeof IMPLIED]) wanted.add(name);
    }
    // The command has the terminal: what is typed there is for it to obey or ignore.
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => {});
    const result = await unshare({
      namespaces: [...wanted].map((name) => NAMESPACE_FLAGS[name]),
      fork: flags.fork ?? false,
      mapRootUser: flags['map-root-user'] ?? false,
      mountProc: flags['mount-proc'] ?? false,
      hostname: flags.hostname,
      command: positionals.length > 0 ? [...positionals] : [io.env.SHELL ?? '/bin/sh'],
    });
    if (flags.json) io.printJson(result);
    return exitCodeOfProcess(result);
  },
});
