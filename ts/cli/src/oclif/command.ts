/** A verb as an oclif command: oclif finds it and shows its help, our parser reads its line. */

import { Command, type Interfaces } from '@oclif/core';
import { type Io, processIo } from '../io.ts';
import { parse } from '../parser.ts';
import { perform } from '../perform.ts';
import type { Invocation, Verb } from '../verb.ts';
import { toOclif } from './flags.ts';
import { showHelp } from './help.ts';

/** Base of every command: it replaces oclif's parser by ours. */
export abstract class VerbCommand extends Command {
  /** The verb this command stands for. */
  protected abstract readonly verb: Verb;
  protected abstract readonly io: Io;

  // oclif's own parser reorders argv, knows no end of flags at the first positional, and reads
  // stdin for a missing argument: docker's lines would mean something else on this path.
  protected override async parse(
    _options?: unknown,
    argv: string[] = this.argv,
    // oclif ties its result to static flags; ours follow the verb's table.
  ): Promise<Interfaces.ParserOutput> {
    this.parsed = true;
    const { flags, positionals } = parse(this.verb, argv);
    return {
      flags,
      args: {},
      argv: [...positionals],
      raw: [],
      metadata: { flags: {} },
      nonExistentFlags: [],
    };
  }

  override async run(): Promise<void> {
    const { argv, config, io, verb } = this;
    process.exitCode = await perform({
      verb,
      argv,
      io,
      showHelp: () => showHelp(config, verb.id.split(' ')),
      read: () => this.#read(),
    });
  }

  async #read(): Promise<Invocation> {
    const { flags, argv } = await this.parse();
    return { flags, positionals: argv.map(String) };
  }
}

/** The oclif command of a verb, for `export default` in commands/. */
export function toCommand(verb: Verb, io = processIo()): Command.Class {
  class Verbs extends VerbCommand {
    static override summary = verb.summary;
    static override usage = `${verb.id} [flags] ${verb.positionals.usage}`.trim();
    static override examples = verb.examples.map((line) => `<%= config.bin %> ${line}`);
    static override flags = toOclif(verb.flags);
    static override strict = false;
    protected override readonly verb = verb;
    protected override readonly io = io;
  }
  return Verbs as unknown as Command.Class;
}
