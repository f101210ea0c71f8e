/** Plugins as strangers make them: package.json and a module, packed or as a folder. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { publishBuild } from '@ctr-ts/dev/publish';
import { root } from '@ctr-ts/dev/repository';
import type { TestUser } from '@ctr-ts/dev/test-users';

import { type CommandOptions, type Ended, execute, must, type Started, start } from './command.ts';

export interface PluginHost {
  /** World-readable, removed by `remove`. */
  scratch: string;
  /** The directory that holds the plugins. */
  directory: string;
  env: NodeJS.ProcessEnv;
  ctr(args: readonly string[], options?: CommandOptions): Promise<Ended>;
  startCtr(args: readonly string[], options?: CommandOptions): Started;
  /** With --json: the document; throws unless that was exit code 0. */
  json(args: readonly string[]): Promise<never>;
  /** What lies in the folder of npm projects. */
  projects(): string[];
  remove(): void;
}

/** The packed product with plugins of its own, as the caller or as another user. */
export async function pluginHost(user?: TestUser): Promise<PluginHost> {
  const build = await publishBuild();
  const scratch = mkdtempSync('/var/tmp/ctr-ts-plugins-');
  chmodSync(scratch, 0o755);
  const data = join(scratch, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (user) chownSync(data, user.uid, user.gid);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: user?.home ?? process.env.HOME,
    npm_config_cache: join(data, 'npm-cache'),
    // Whatever needs a registry fails at once: a packed plugin needs none.
    npm_config_registry: 'http://127.0.0.1:9/',
    ...(user ? { XDG_DATA_HOME: data } : { CTR_TS_PLUGIN_DIR: join(data, 'ctr-ts/plugins') }),
  };
  const as: CommandOptions = user ? { uid: user.uid, gid: user.gid, cwd: '/', env } : { env };
  const ctr = (args: readonly string[], options?: CommandOptions) =>
    execute(build.cli, args, { ...as, ...options });
  return {
    scratch,
    directory: join(data, 'ctr-ts/plugins'),
    env,
    ctr,
    startCtr: (args, options) => start(build.cli, args, { ...as, ...options }),
    json: async (args) => {
      const ended = await ctr([...args, '--json']);
      if (ended.exitCode !== 0)
        throw new Error(`${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
      return JSON.parse(ended.stdout) as never;
    },
    projects: () => {
      const packages = join(data, 'ctr-ts/plugins/packages');
      return existsSync(packages) ? readdirSync(packages) : [];
    },
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

/** npm pack of the example; absolute path of the file. */
export async function packExample(to: string): Promise<string> {
  const words = ['pack', '--json', '--ignore-scripts', '--workspace', 'ts/plugin-example'];
  const answer = await must('npm', [...words, '--pack-destination', to], { cwd: root });
  const [packed] = JSON.parse(answer.slice(answer.indexOf('[\n'))) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack said ${answer}`);
  return join(to, packed.filename);
}

export interface MadePlugin {
  name: string;
  version?: string;
  /** Id of its command, which prints it; without it `module` counts. */
  command?: string;
  /** Source of commands.js. */
  module?: string;
  /** Over what is right. */
  manifest?: object;
  files?: Record<string, string>;
}

/** Writes a plugin below `parent`; its folder. */
export function makePlugin(parent: string, plugin: MadePlugin): string {
  const { name, version = '1.0.0', command = 'greet', manifest, files } = plugin;
  const folder = join(parent, `${name}-${version}`, 'package');
  const all: Record<string, string> = {
    'package.json': JSON.stringify({
      name,
      version,
      type: 'module',
      'ctr-ts': { apiVersion: 1, commands: './commands.js' },
      peerDependencies: { '@ctr-ts/sdk': '*' },
      ...manifest,
    }),
    'commands.js':
      plugin.module ?? sayingModule(command, `this is ${command} of ${name} ${version}`),
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Makes a plugin and packs it as npm does; absolute path of the file. */
export async function packPlugin(parent: string, plugin: MadePlugin): Promise<string> {
  const folder = makePlugin(parent, plugin);
  const file = join(parent, `${plugin.name}-${plugin.version ?? '1.0.0'}.tgz`);
  await must('tar', ['-czf', file, '-C', dirname(folder), 'package']);
  return file;
}

/** A module with one command; `body` may use `line` and `io`, and gives the exit code. */
export function moduleWith(id: string, body: string, head = ''): string {
  return `${head}
export const commands = [{
  id: ${JSON.stringify(id)}, summary: 'for a test', positionals: { usage: '[WORD...]', min: 0 },
  flags: [{ name: 'loud', short: 'l', type: 'boolean', help: 'loud' }],
  async execute(line, io) { ${body} },
}];
`;
}

function sayingModule(id: string, says: string): string {
  return moduleWith(id, `io.print(${JSON.stringify(says)}); return 0;`);
}
