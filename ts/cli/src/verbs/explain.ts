/** `ctr-ts explain`: what a container is made of, of one that runs or of one that could. */

import { Container, CtrError, plan } from '@ctr-ts/sdk';
import { containerOptions } from '../container-options.ts';
import { presentExplanation } from '../present/explanation.ts';
import { presentPlan } from '../present/plan.ts';
import { defineVerb } from '../verb.ts';
import { EXPLAIN_FLAGS } from './explain.flags.ts';

export const verb = defineVerb({
  id: 'explain',
  summary: 'show every namespace, mount, cgroup file, capability and filter rule',
  flags: EXPLAIN_FLAGS,
  positionals: { usage: 'CONTAINER | --plan IMAGE [COMMAND...]', min: 1, endFlags: 'plan' },
  examples: ['explain web', 'explain --plan --memory 256m host: id'],
  async execute({ flags, positionals }, io) {
    if (flags.plan) {
      const planned = await plan({
        ...containerOptions(flags, positionals, io.env),
        terminal: flags.tty,
      });
      if (flags.json) io.printJson(planned);
      else io.print(presentPlan(planned, io));
      return 0;
    }
    const [id = '', surplus] = positionals;
    if (surplus !== undefined) {
      throw new CtrError(
        'UNEXPECTED_ARGUMENT',
        `explain does not take ${JSON.stringify(surplus)}`,
        {
          hint: 'to see what run would do, write --plan before the image',
        },
      );
    }
    const container = await Container.get(id);
    const explanation = await container.explain();
    if (flags.json) io.printJson(explanation);
    else io.print(presentExplanation(explanation, io));
    return 0;
  },
});
