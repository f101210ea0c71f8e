/** The command line's entry: hot verbs run directly, all others through oclif. */

import { findDirect, isNotYet, unknownVerb } from './catalog.ts';
import { type Io, processIo } from './io.ts';
import { perform } from './perform.ts';
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
    if (direct === undefined) return await throughOclif(argv);
    const { verb } = await direct.load();
    const showHelp = async (): Promise<void> => {
      await throughOclif(['help', ...verb.id.split(' ')]);
    };
    return await perform({ verb, argv: argv.slice(direct.words), io, showHelp });
  } catch (error) {
    return report(error, io, argv.includes('--json'));
  }
}

async function throughOclif(argv: readonly string[]): Promise<number> {
  const { runOclif } = await import('./oclif/run.ts');
  return runOclif(argv);
}
