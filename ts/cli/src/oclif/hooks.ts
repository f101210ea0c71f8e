/** oclif's hooks of plugins. They are told what happens; oclif calls them all at once. */

import { CtrError } from '@ctr-ts/sdk';
import type { Config } from '@oclif/core';
import type { Io } from '../io.ts';
import { errorText } from '../report.ts';

/**
 * Fires an event. What a hook throws is one remark and no more; only a hook that says so by
 * oclif's `this.error()` or `this.exit()` keeps the command from running.
 *
 * @throws CtrError `PLUGIN_REFUSED`
 */
export async function fire(
  config: Config,
  event: 'init' | 'prerun' | 'postrun',
  options: object,
  io: Io,
): Promise<void> {
  const { failures } = await config.runHook(event, options as never, undefined, true);
  for (const { error, plugin } of failures) {
    const exit = (error as { oclif?: { exit?: number } }).oclif?.exit;
    const message = `${event} hook of plugin ${plugin.name}: ${error.message}`;
    if (exit !== undefined) {
      throw new CtrError('PLUGIN_REFUSED', message, {
        cause: error,
        hint: `without the plugin: ctr-ts plugins uninstall ${plugin.name}`,
      });
    }
    io.note(errorText(new CtrError('PLUGIN_HOOK_FAILED', message)));
  }
}
