/** The other process of describe.ts: loads one plugin, answers, ends. */

import { CtrError } from '@ctr-ts/sdk';
import { toRecord } from './command.ts';
import type { Answer } from './describe.ts';
import { loadCommands } from './load.ts';

const [name = '', root = '', module = ''] = process.argv.slice(2);

loadCommands({ name, root, module }).then(
  (commands) => answer({ commands: commands.map(toRecord) }),
  (error: unknown) =>
    answer({
      error:
        error instanceof CtrError
          ? error.toJSON()
          : { code: 'PLUGIN_BROKEN', message: `load plugin ${name}: ${String(error)}` },
    }),
);

function answer(message: Answer): void {
  process.send?.(message, undefined, {}, () => process.exit());
}
