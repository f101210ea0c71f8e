/** A plugin's command as a verb: the same parser, help, words for errors and exit codes. */

import type { Command } from '@ctr-ts/plugin';
import { CtrError } from '@ctr-ts/sdk';
import { HELP_FLAG, JSON_FLAG, LONG_HELP_FLAG } from '../flags.ts';
import type { Verb } from '../verb.ts';
import type { CommandRecord, PluginRecord } from './record.ts';

type Owner = Pick<PluginRecord, 'name' | 'version'>;

/** The verb that a loaded command is. */
export function toVerb(command: Command, owner: Owner): Verb {
  return {
    ...toGrammar({ examples: [], flags: [], ...command }),
    async execute(invocation, io) {
      let code: unknown;
      try {
        // The parser made the values with the command's own table.
        code = await command.execute(invocation as Parameters<Command['execute']>[0], io);
      } catch (error) {
        if (error instanceof CtrError) throw error;
        throw bug(command.id, owner, error);
      }
      if (Number.isInteger(code)) return Number(code);
      throw bug(command.id, owner, new Error(`execute() gave ${String(code)}, no exit code`));
    },
  };
}

/** Everything of it that parser and help need. */
export function toGrammar({ id, summary, examples, flags, positionals }: CommandRecord) {
  const help = flags.some(({ short }) => short === HELP_FLAG.short) ? LONG_HELP_FLAG : HELP_FLAG;
  return { id, summary, examples, positionals, flags: [...flags, JSON_FLAG, help] };
}

function bug(id: string, { name, version }: Owner, cause: unknown): CtrError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new CtrError('PLUGIN_FAILED', `run ${id} of plugin ${name} ${version}: ${message}`, {
    cause,
    hint: 'this is a bug of the plugin; run it again with CTR_TS_DEBUG=1 and report what it prints',
  });
}
