/** `ctr-ts plugins link`: use a plugin in a folder, for whoever writes one. */

import { pluginDirectory } from '../../plugins/hooked.ts';
import { linkPlugin } from '../../plugins/install.ts';
import { presentAdded, reportOfAdded } from '../../present/plugins.ts';
import { defineVerb } from '../../verb.ts';
import { PLUGINS_FLAGS } from './plugins.flags.ts';

export const verb = defineVerb({
  id: 'plugins link',
  summary: 'add the commands of a plugin in a folder, as they are there; again after new ones',
  flags: PLUGINS_FLAGS,
  positionals: { usage: 'FOLDER', min: 1, max: 1 },
  examples: ['plugins link .'],
  async execute({ flags: { json }, positionals: [folder = ''] }, io) {
    const directory = pluginDirectory(io.env);
    const added = await linkPlugin(folder, { directory });
    if (json) io.printJson(reportOfAdded(directory, added));
    else io.print(presentAdded(added));
    return 0;
  },
});
