/**
 * What a user gets: every package packed by npm and installed without scripts into a folder
 * outside the repository that any user may read, beside a copy of Node. For tests of the packed
 * product and for tests that run as another user (the repository may be below a 0700 home).
 *
 *   const product = await publishBuild();
 *   spawn(product.cli, ['run', 'host:', 'id'], spawnOptionsOf(user));
 *
 * Below vitest all files of a run share one folder, which vitest/published-folder.ts removes.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { runStep, StepFailure } from './command.ts';
import { publishedPackages, repositoryNode, root, triple } from './repository.ts';

export interface PublishedBuild {
  /** World-readable; holds package.json and node_modules. ESM below it can import `@ctr-ts/sdk`. */
  directory: string;
  /** Absolute path of a Node that every user can run. */
  node: string;
  /** Absolute path of a sh launcher for the installed `ctr-ts`, on that Node. */
  cli: string;
  /** The installed bin script itself, to be run by a Node of the test's choice. */
  cliScript: string;
  /** The installed executable. */
  runtime: string;
  /** The packed files, absolute. */
  tarballs: string[];
  /** Deletes the folder, unless the run shares it. */
  remove(): void;
}

export const publishedFolderVariable = 'CTR_TS_TEST_PUBLISHED';

export function makePublishedFolder(): string {
  const directory = mkdtempSync('/var/tmp/ctr-ts-test-');
  chmodSync(directory, 0o755);
  return directory;
}

export async function publishBuild(): Promise<PublishedBuild> {
  const shared = process.env[publishedFolderVariable];
  const directory = shared ?? makePublishedFolder();
  const record = join(directory, 'tarballs.json');
  if (!existsSync(record)) {
    try {
      const tarballs = await fill(directory);
      writeFileSync(record, JSON.stringify(tarballs));
    } catch (error) {
      if (!shared) rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }
  return {
    directory,
    node: join(directory, 'node'),
    cli: join(directory, 'ctr-ts'),
    cliScript: join(directory, 'node_modules/ctr-ts/bin/ctr-ts.js'),
    runtime: join(directory, `node_modules/@ctr-ts/${triple().folder}/ctr-runtime`),
    tarballs: JSON.parse(readFileSync(record, 'utf8')) as string[],
    remove: () => {
      if (!shared) rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function fill(directory: string): Promise<string[]> {
  // Installed files take their modes from the umask.
  const umask = process.umask(0o022);
  try {
    const tarballs = await pack(directory);
    const node = join(directory, 'node');
    copyFileSync(repositoryNode(), node, constants.COPYFILE_FICLONE);
    chmodSync(node, 0o755);
    writeFileSync(
      join(directory, 'package.json'),
      JSON.stringify({ name: 'user', version: '0.0.0', private: true, type: 'module' }),
    );
    await npm('install packed packages', directory, [
      'install',
      '--ignore-scripts',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      ...tarballs,
    ]);
    const cli = join(directory, 'ctr-ts');
    writeFileSync(
      cli,
      `#!/bin/sh\nexec '${node}' '${join(directory, 'node_modules/ctr-ts/bin/ctr-ts.js')}' "$@"\n`,
    );
    chmodSync(cli, 0o755);
    return tarballs;
  } finally {
    process.umask(umask);
  }
}

async function pack(directory: string): Promise<string[]> {
  const folder = join(directory, 'tarballs');
  mkdirSync(folder, { recursive: true });
  const workspaces = publishedPackages
    .filter((name) => existsSync(join(root, name)))
    .flatMap((name) => ['--workspace', name]);
  const answer = await npm('npm pack', root, [
    'pack',
    '--json',
    '--ignore-scripts',
    '--pack-destination',
    folder,
    ...workspaces,
  ]);
  // npm prints warnings on the same pipe: the answer is the JSON array that closes the text.
  const packed = JSON.parse(answer.slice(answer.indexOf('[\n'))) as {
    filename: string;
    files: { path: string }[];
  }[];
  for (const { filename, files } of packed) {
    if (files.length < 2)
      throw new StepFailure(`${filename} holds nothing but its manifest`, 'npm run build');
  }
  return packed.map(({ filename }) => join(folder, filename));
}

/** npm on the repository's Node, without what an outer `npm test` put into the environment. */
async function npm(title: string, cwd: string, args: readonly string[]): Promise<string> {
  const script = process.env.npm_execpath;
  const [command, words] = script ? [repositoryNode(), [script, ...args]] : ['npm', args];
  return await runStep(title, command, words, {
    cwd,
    output: 'capture',
    env: { npm_config_workspace: '', INIT_CWD: cwd },
  });
}
