/** `ctr-ts plugins list`: the plugins there are, and whether they work. */

import { pluginDirectory } from '../../plugins/hooked.ts';
import { listPlugins } from '../../plugins/list.ts';
import { presentPlugins } from '../../present/plugins.ts';
import { defineVerb } from '../../verb.ts';
import { PLUGINS_FLAGS } from './plugins.flags.ts';

export const verb = defineVerb({
  id: 'plugins list',
  summary: 'list plugins and what is wrong with them',
  flags: PLUGINS_FLAGS,
  positionals: { usage: '', min: 0, max: 0 },
  examples: ['plugins list', 'plugins list --json'],
  async execute({ flags: { json } }, io) {
    const plugins = await listPlugins(pluginDirectory(io.env));
    if (json) io.printJson(plugins);
    else io.print(presentPlugins(plugins));
    return 0;
  },
});
