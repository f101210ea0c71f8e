/** `ctr-ts plugins install`: add the commands of an npm package. */

import { interruption } from '../../interruption.ts';
import { pluginDirectory } from '../../plugins/hooked.ts';
import { installPlugin } from '../../plugins/install.ts';
import { presentAdded, reportOfAdded } from '../../present/plugins.ts';
import { defineVerb } from '../../verb.ts';
import { PLUGINS_FLAGS } from './plugins.flags.ts';

export const verb = defineVerb({
  id: 'plugins install',
  summary: 'add commands: a package of the npm registry, or a file made by npm pack',
  flags: PLUGINS_FLAGS,
  positionals: { usage: 'NAME[@VERSION] | FILE.tgz', min: 1, max: 1 },
  examples: ['plugins install ctr-ts-plugin-which', 'plugins install ./plugin-1.0.0.tgz'],
  async execute({ flags: { json }, positionals: [source = ''] }, io) {
    const directory = pluginDirectory(io.env);
    using interrupted = interruption(io);
    const { signal } = interrupted;
    try {
      const added = await installPlugin(source, { directory, env: io.env, signal });
      if (json) io.printJson(reportOfAdded(directory, added));
      else io.print(presentAdded(added));
      return 0;
    } catch (error) {
      return interrupted.exitCode(error);
    }
  },
});
