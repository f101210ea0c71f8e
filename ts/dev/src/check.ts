/** Everything that can be said about the sources without running them. */
import { build } from './build.ts';
import { runCommand, runStep } from './command.ts';
import { paths, repositoryNode } from './repository.ts';

interface Check {
  title: string;
  command: string;
  args: readonly string[];
  env?: Record<string, string>;
}

const checks: readonly Check[] = [
  { title: 'cargo fmt', command: 'cargo', args: ['fmt', '--all', '--check'] },
  {
    title: 'cargo clippy',
    command: 'cargo',
    args: ['clippy', '--quiet', '--locked', '--workspace', '--all-targets', '--', '-D', 'warnings'],
  },
  {
    title: 'cargo doc',
    command: 'cargo',
    args: ['doc', '--quiet', '--locked', '--workspace', '--no-deps'],
    env: { RUSTDOCFLAGS: '-D warnings' },
  },
  {
    title: 'biome ci',
    command: repositoryNode(),
    args: [paths.biome, 'ci', '--error-on-warnings', '.'],
  },
];

/** Runs all of them, so that one report shows everything there is to mend. Returns the exit status. */
export async function check(): Promise<number> {
  // The build comes first: it is the type check of every package, and tests import the packages.
  await build();
  const failed: string[] = [];
  for (const { title, command, args, env } of checks) {
    process.stderr.write(`check: ${title}\n`);
    const { exitCode } = await runCommand(command, args, env ? { env } : {});
    if (exitCode !== 0) failed.push(title);
  }
  process.stdout.write(
    failed.length === 0 ? 'check: clean\n' : `check: failed in ${failed.join(', ')}\n`,
  );
  return failed.length === 0 ? 0 : 1;
}

export async function format(): Promise<number> {
  await runStep('format: cargo fmt', 'cargo', ['fmt', '--all']);
  await runStep('format: biome', repositoryNode(), [paths.biome, 'check', '--write', '.']);
  return 0;
}
