/**
 * The third disk: the project as it is now, a plain tar that init.sh unpacks. It needs no file
 * system and is written in a moment, so it is made for every run.
 */
import { existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { publishedFolderVariable } from '@ctr-ts/dev/publish';
import { paths, root, triple } from '@ctr-ts/dev/repository';

import { must } from '../../e2e/support/command.ts';

export interface Request {
  profile: string;
  /** Relative to the repository. */
  files: readonly string[];
  /** A user's name, or root. */
  user: string;
  /** vitest's -t. */
  pattern?: string | undefined;
  /** Set inside, beside what a login sets. */
  env: Readonly<Record<string, string>>;
  /** A folder of publishBuild(), which appears inside at the same place. */
  published?: string | undefined;
}

/** Where it is inside. */
export const repositoryInside = '/repository';
const nodeInside = `${repositoryInside}/node_modules/node-linux-${process.arch}/bin/node`;

/** Writes the tar to `path`, with scratch space in `folder`. */
export async function packProject(request: Request, path: string, folder: string): Promise<void> {
  const { folder: native } = triple();
  for (const file of ['ctr-runtime', 'ctr.node']) {
    if (!existsSync(join(paths.build, native, file))) {
      throw new Error(`no build/${native}/${file}: npm run build`);
    }
  }
  const own = join(folder, 'own');
  mkdirSync(join(own, 'repository/build'), { recursive: true });
  writeFileSync(join(own, 'request'), requestScript(request));
  writeFileSync(
    join(own, 'repository/build/ctr-ts'),
    `#!/bin/sh\nexec '${nodeInside}' '${repositoryInside}/ts/cli/bin/ctr-ts.js' "$@"\n`,
    { mode: 0o755 },
  );
  const options = ['--owner=0', '--group=0', '--mode=a+rX,u+w', '--exclude=node_modules/.vite*'];
  // S: the targets of symbolic links stay as they are.
  const toRepository = `--transform=s,^,${repositoryInside.slice(1)}/,S`;
  const members = [
    'package.json',
    'tsconfig.base.json',
    'tests',
    ...globSync('ts/*/package.json', { cwd: root }).map((file) => dirname(file)),
    `build/${native}`,
    'build/ctr-runtime',
  ];
  await must('tar', ['-cf', path, ...options, toRepository, '-C', root, ...members]);
  const published = request.published?.slice(1);
  await must('tar', [
    ...['-rf', path, ...options],
    // Node is on the second disk; session.sh links it.
    ...(published === undefined ? [] : [`--exclude=${published}/node`]),
    ...['-C', own, '.'],
    ...(published === undefined ? [] : ['-C', '/', published]),
  ]);
}

/** Shell words for session.sh. */
function requestScript({ profile, files, user, pattern, env, published }: Request): string {
  const vitest = [
    ...[nodeInside, `${repositoryInside}/node_modules/vitest/vitest.mjs`, 'run'],
    ...['--config', `${repositoryInside}/tests/vm/guest/vitest.config.ts`],
    // Node reads TypeScript; bundling the file first would be most of the start.
    ...['--configLoader', 'native'],
    ...(pattern === undefined ? [] : ['-t', pattern]),
    ...files,
  ];
  const variables: Record<string, string> = {
    ...env,
    NO_COLOR: '1',
    CTR_TS_SLOWNESS: '5',
    CI: 'true',
    ...(published ? { [publishedFolderVariable]: published } : {}),
  };
  return [
    `PROFILE=${quote(profile)}`,
    `RUN_AS=${quote(user)}`,
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quote(value)}`),
    `COMMAND=${quote(vitest.map(quote).join(' '))}`,
    '',
  ].join('\n');
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
