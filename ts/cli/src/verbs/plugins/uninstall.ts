/** `ctr-ts plugins uninstall`: remove plugins. */

import { forEachTarget } from '../../each.ts';
import { pluginDirectory } from '../../plugins/hooked.ts';
import { uninstallPlugin } from '../../plugins/install.ts';
import { defineVerb } from '../../verb.ts';
import { PLUGINS_FLAGS } from './plugins.flags.ts';

export const verb = defineVerb({
  id: 'plugins uninstall',
  summary: 'remove plugins; of a linked one only the link',
  flags: PLUGINS_FLAGS,
  positionals: { usage: 'NAME...', min: 1 },
  examples: ['plugins uninstall ctr-ts-plugin-which'],
  execute({ flags: { json = false }, positionals }, io) {
    const place = { directory: pluginDirectory(io.env) };
    return forEachTarget(positionals, io, json, async (name) => uninstallPlugin(name, place));
  },
});
