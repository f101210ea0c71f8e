/** The machine's npm, which resolves, downloads, verifies and unpacks. */

import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { CtrError } from '@ctr-ts/sdk';

/** What npm is run with. */
export interface NpmOptions {
  env: Readonly<Record<string, string | undefined>>;
  signal?: AbortSignal | undefined;
}

/** A program and the words it begins with. */
interface Npm {
  command: string;
  words: readonly string[];
}

/** On the command line, so that no .npmrc and no environment of an outer npm decides otherwise. */
const FLAGS: readonly string[] = [
  // SECURITY: a package runs none of its scripts when it is installed; its code runs when one of
  // its commands is typed.
  '--ignore-scripts',
  '--json',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-global',
  '--no-dry-run',
  '--no-package-lock-only',
  '--no-legacy-peer-deps',
  '--no-force',
  '--save-prod',
  '--omit=dev',
  '--install-strategy=hoisted',
  '--loglevel=error',
  // npm's own are pauses of ten and sixty seconds, and five minutes for each answer.
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=500',
  '--fetch-retry-maxtimeout=2000',
  '--fetch-timeout=60000',
];

/** What an outer `npm run` or `npx` leaves in the environment and what would misdirect ours. */
const OUTER = /^npm_config_(?:workspaces?|include_workspace_root|local_prefix|prefix|global)$/i;

/** What npm says when nobody answers. */
const UNREACHABLE: readonly string[] = [
  ...['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENETUNREACH'],
  ...['EHOSTUNREACH', 'ERR_SOCKET_TIMEOUT', 'FETCH_ERROR', 'ENOTCACHED'],
];

/** npm's codes (and errno names) to ours, with what to do. */
const FAILURES: Readonly<Record<string, readonly [code: string, hint: string]>> = {
  ...each(UNREACHABLE, [
    'NPM_REGISTRY_UNREACHABLE',
    'check the network and npm config get registry; a file made by npm pack needs neither',
  ]),
  ...each(['E401', 'E403', 'ENEEDAUTH'], ['NPM_REGISTRY_UNAUTHORIZED', 'npm login']),
  ...each(
    ['E404', 'ETARGET', 'ENOVERSIONS'],
    ['PLUGIN_NOT_FOUND', 'check its name and version: npm view NAME versions'],
  ),
  ...each(
    ['ERESOLVE'],
    [
      'PLUGIN_INCOMPATIBLE',
      'it asks for another version of ctr-ts: choose a version of it that fits, or update ctr-ts',
    ],
  ),
  ...each(
    ['EBADPLATFORM', 'EBADENGINE'],
    ['PLUGIN_INCOMPATIBLE', 'it is made for another machine or another Node'],
  ),
  ...each(['ENOSPC', 'EDQUOT'], ['DISK_FULL', 'free some space']),
  ...each(
    ['EINTEGRITY'],
    [
      'NPM_FAILED',
      'what arrived is not what the registry promised: npm cache clean --force, then again',
    ],
  ),
};

/**
 * Runs `npm install` of `spec` in `folder`.
 *
 * @throws CtrError `NPM_NOT_FOUND`, `NPM_REGISTRY_UNREACHABLE`, `NPM_REGISTRY_UNAUTHORIZED`,
 * `PLUGIN_NOT_FOUND`, `PLUGIN_INCOMPATIBLE`, `DISK_FULL`, `NPM_FAILED`, `ABORTED`
 */
export async function npmInstall(
  folder: string,
  spec: string,
  { env, signal }: NpmOptions,
): Promise<void> {
  const { command, words } = await findNpm(env);
  const args = [...words, 'install', ...FLAGS, `--prefix=${folder}`, '--', spec];
  const child = spawn(command, args, {
    cwd: folder,
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !OUTER.test(name))),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  // npm writes until it has ended, so its end is waited for; it starts nothing of its own.
  const kill = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', kill, { once: true });
  if (signal?.aborted) kill();
  const code = await promise
    .catch((cause: unknown) => {
      throw new CtrError('NPM_NOT_FOUND', `start ${command}: ${String(cause)}`, { cause });
    })
    .finally(() => signal?.removeEventListener('abort', kill));
  if (signal?.aborted) {
    throw new CtrError('ABORTED', `npm install ${spec}: given up`, { cause: signal.reason });
  }
  if (code !== 0) throw failure(spec, output.stdout, output.stderr);
}

/** The npm of PATH, else the one that came with this Node. */
async function findNpm(env: NpmOptions['env']): Promise<Npm> {
  const beside = dirname(process.execPath);
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const candidates = [
    ...folders.map((folder) => join(folder, 'npm')),
    join(beside, 'npm'),
    join(beside, '../lib/node_modules/npm/bin/npm-cli.js'),
  ];
  for (const candidate of candidates) {
    const path = await realpath(candidate).catch(() => undefined);
    if (path === undefined) continue;
    // npm leaves out packages whose `engines` exclude the Node it runs on: it has to be ours.
    if (path.endsWith('.js')) return { command: process.execPath, words: [path] };
    if (await isExecutable(path)) return { command: path, words: [] };
  }
  throw new CtrError('NPM_NOT_FOUND', 'find npm: it is not on PATH and not beside this Node', {
    hint: 'install npm (it comes with Node from nodejs.org; on Debian: apt-get install npm)',
  });
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function failure(spec: string, stdout: string, stderr: string): CtrError {
  const { code = '', summary = stderr.trim().split('\n').at(-1) ?? '' } = errorOf(stdout);
  const [ours, hint] = FAILURES[code] ?? ['NPM_FAILED', 'npm install says more about it'];
  const said = [code, summary.split('\n')[0]].filter(Boolean).join(', ');
  return new CtrError(ours, `npm install ${spec}: ${said}`, { hint });
}

/** npm prints warnings on the same stream: the document is what begins at the first brace. */
function errorOf(stdout: string): { code?: string; summary?: string } {
  try {
    return JSON.parse(stdout.slice(stdout.indexOf('{'))).error ?? {};
  } catch {
    return {};
  }
}

function each<T>(codes: readonly string[], value: T): Record<string, T> {
  return Object.fromEntries(codes.map((code) => [code, value]));
}
