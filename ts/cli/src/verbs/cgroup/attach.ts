/** `ctr-ts cgroup attach`: put a running process into a control group. */

import { CtrError, cgroup } from '@ctr-ts/sdk';
import { defineVerb } from '../../verb.ts';
import { PLAIN_FLAGS } from './cgroup.flags.ts';

export const verb = defineVerb({
  id: 'cgroup attach',
  summary: 'put a running process into a control group',
  flags: PLAIN_FLAGS,
  positionals: { usage: 'NAME PID', min: 2, max: 2 },
  examples: ['cgroup attach asp 4711'],
  async execute({ flags, positionals: [name = '', pid = ''] }, io) {
    if (!/^[1-9]\d*$/.test(pid)) {
      throw new CtrError('INVALID_ARGUMENT', `invalid pid ${JSON.stringify(pid)}`, {
        hint: 'give the number that ps shows',
      });
    }
    const attached = await cgroup.attach(name, Number(pid));
    if (flags.json) io.printJson(attached);
    else io.print(`${pid} is in ${name}`);
    return 0;
  },
});
