/**
 * The command line's entry: hot verbs run directly, all others through oclif, and so do those for
 * which a plugin has oclif hooks.
 */

import { findDirect, isNotYet, unknownVerb } from './catalog.ts';
import { type Io, processIo } from './io.ts';
import { perform } from './perform.ts';
import { isHooked } from './plugins/hooked.ts';
import { report } from './report.ts';

/** What a bare `ctr-ts` shows: three lines that run as they stand. */
export const FIRST_STEPS = `ctr-ts run --rm host: id
ctr-ts explain --plan host: id
ctr-ts --help
`;

/** Runs a command line and ends the process with its exit code. */
export async function main(argv: readonly string[]): Promise<void> {
  const code = await dispatch(argv, processIo());
  // Not by waiting for an empty event loop: a stdin that is connected would keep it full.
  process.exit(code);
}

/** Runs a command line; resolves with its exit code. */
export async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const [first] = argv;
  if (first === undefined) {
    io.print(FIRST_STEPS);
    return 0;
  }
  try {
    if (first === '--version' || first === '-v')
      return await dispatch(['version', ...argv.slice(1)], io);
    if (isNotYet(first)) throw unknownVerb(argv);
    const direct = findDirect(argv);
    if (direct === undefined) return await throughOclif(argv, io);
    const { verb } = await direct.load();
    if (await isHooked(verb.id, io)) return await throughOclif(argv, io);
    const showHelp = async (): Promise<void> => {
      await throughOclif(['help', ...verb.id.split(' ')], io);
    };
    return await perform({ verb, argv: argv.slice(direct.words), io, showHelp });
  } catch (error) {
    return report(error, io, argv.includes('--json'));
  }
}

async function throughOclif(argv: readonly string[], io: Io): Promise<number> {
  const { runOclif } = await import('./oclif/run.ts');
  return runOclif(argv, io);
}
