/**
 * What plugins may cost a verb that runs without oclif: one look for a directory, and with plugins
 * installed one small file.
 */

import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { CtrError, directories } from '@ctr-ts/sdk';
import type { Io } from '../io.ts';
import { errorDocument, errorText } from '../report.ts';

/** Names another directory for plugins, absolute. */
export const DIRECTORY_VARIABLE = 'CTR_TS_PLUGIN_DIR';

/**
 * Where a user's plugins are: beside the images, so /var/lib/ctr-ts/plugins for root and
 * ~/.local/share/ctr-ts/plugins for others.
 *
 * @throws CtrError `INVALID_ARGUMENT`
 */
export function pluginDirectory(env: Io['env']): string {
  const named = env[DIRECTORY_VARIABLE];
  if (!named) return join(directories().dataRoot, 'plugins');
  if (isAbsolute(named)) return named;
  throw new CtrError('INVALID_ARGUMENT', `${DIRECTORY_VARIABLE}=${named} is not absolute`, {
    hint: `${DIRECTORY_VARIABLE}=$PWD/${named}`,
  });
}

/**
 * Whether a plugin's oclif hooks fire for a verb, which then starts through oclif. Plugins that
 * cannot be read are left out with a remark: they never keep one of our own verbs from running.
 */
export async function isHooked(id: string, io: Io): Promise<boolean> {
  try {
    const directory = pluginDirectory(io.env);
    if (!existsSync(directory)) return false;
    const { readIndex } = await import('./index-file.ts');
    return readIndex(directory).plugins.some(({ hookedVerbs }) => hookedVerbs.includes(id));
  } catch (error) {
    remarkLeftOut(error, io);
    return false;
  }
}

/** Says in one line why there are no plugins this time, and what to do. */
export function remarkLeftOut(error: unknown, io: Io): void {
  const { code, message, hint } = errorDocument(error).error;
  io.note(errorText(new CtrError(code, `leave plugins out: ${message}`, { hint })));
}
