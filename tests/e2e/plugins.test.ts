/** Third-party commands: packed, installed, run, linked, removed, as root and as an ordinary user. */
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { publishBuild } from '@ctr-ts/dev/publish';
import { findTestUser, testUserNames } from '@ctr-ts/dev/test-users';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { must } from './support/command.ts';
import {
  makePlugin,
  moduleWith,
  type PluginHost,
  packExample,
  packPlugin,
  pluginHost,
} from './support/plugins.ts';

let host: PluginHost;
beforeAll(async () => {
  await publishBuild();
}, 180_000);
beforeEach(async () => {
  host = await pluginHost();
});
afterEach(() => host?.remove());

test.each([
  { who: 'root', name: undefined },
  { who: 'an ordinary user', name: testUserNames.withSubordinateIds },
])('the packed example adds a command that runs as $who, without a registry', async ({ name }) => {
  const user = name === undefined ? undefined : findTestUser(name);
  if (name !== undefined && user === undefined) {
    return expect.fail('the test users are missing; run npm test once as root');
  }
  const own = await pluginHost(user);
  try {
    const file = await packExample(own.scratch);
    expect(await own.ctr(['plugins', 'install', file])).toMatchObject({
      stdout: expect.stringMatching(/^installed ctr-ts-plugin-which 0\.1\.0\n {2}ctr-ts which /),
      stderr: '',
      exitCode: 0,
    });
    expect(await own.json(['plugins', 'list'])).toEqual([
      {
        name: 'ctr-ts-plugin-which',
        version: '0.1.0',
        source: 'installed',
        origin: file,
        root: expect.stringContaining(own.directory),
        commands: ['which'],
        hookedVerbs: [],
      },
    ]);

    expect(await own.ctr(['which', 'sh', 'host:'])).toMatchObject({
      stdout: expect.stringMatching(/^host: {3}\/\S*\/sh/),
      stderr: '',
      exitCode: 0,
    });
    expect(await own.json(['which', 'sed', 'host:'])).toEqual([
      {
        image: 'host:',
        path: expect.stringMatching(/sed$/),
        version: expect.stringContaining('sed'),
      },
    ]);
    expect(await own.ctr(['which', 'no-such', 'host:'])).toMatchObject({
      stdout: 'host:   -\n',
      exitCode: 1,
    });

    expect(await own.ctr(['plugins', 'uninstall', 'ctr-ts-plugin-which'])).toMatchObject({
      stdout: 'ctr-ts-plugin-which\n',
      exitCode: 0,
    });
    expect(await own.json(['plugins', 'list'])).toEqual([]);
    expect(readdirSync(join(own.directory, 'packages'))).toEqual([]);
    expect((await own.ctr(['which', 'sh', 'host:'])).stderr).toContain('[UNKNOWN_COMMAND]');
  } finally {
    own.remove();
  }
});

test('a command of a plugin is read, shown and reported as one of ours', async () => {
  const file = await packPlugin(host.scratch, {
    name: 'plugin-words',
    module: moduleWith(
      'words',
      `if (line.positionals[0] === 'coded')
         throw new CtrError('NO_LUCK', 'find luck: none', { hint: 'try again' });
       if (line.positionals[0] === 'bug') throw new TypeError('oops');
       if (line.positionals[0] === 'nothing') return undefined;
       if (line.flags.json) io.printJson(line); else io.print(JSON.stringify(line));
       return line.flags.loud ? 7 : 0;`,
      "import { CtrError } from '@ctr-ts/sdk';",
    ),
  });
  await host.json(['plugins', 'install', file]);

  const read = await host.ctr(['words', '-l', 'a', '--', '-b']);
  expect(read).toMatchObject({ exitCode: 7, stderr: '' });
  expect(JSON.parse(read.stdout)).toEqual({ flags: { loud: true }, positionals: ['a', '-b'] });
  expect(await host.json(['words', 'a'])).toEqual({ flags: { json: true }, positionals: ['a'] });

  const cases = [
    [
      ['words', '--luod'],
      'ctr-ts: unknown flag --luod of words [UNKNOWN_FLAG]\n  next: did you mean --loud?\n',
    ],
    [['words', 'coded'], 'ctr-ts: find luck: none [NO_LUCK]\n  next: try again\n'],
    [
      ['words', 'bug'],
      /^ctr-ts: run words of plugin plugin-words 1\.0\.0: oops \[PLUGIN_FAILED\]\n {2}next: this is a bug of the plugin/,
    ],
    [['words', 'nothing'], /gave undefined, no exit code \[PLUGIN_FAILED\]/],
  ] as const;
  for (const [argv, says] of cases) {
    const stderr = typeof says === 'string' ? says : expect.stringMatching(says);
    expect(await host.ctr(argv), argv.join(' ')).toMatchObject({
      exitCode: 125,
      stdout: '',
      stderr,
    });
  }
  const failed = await host.ctr(['words', 'coded', '--json']);
  expect(JSON.parse(failed.stdout).error).toMatchObject({ code: 'NO_LUCK', hint: 'try again' });

  for (const argv of [['--help'], ['help']]) {
    const { stdout } = await host.ctr(argv);
    expect(stdout).toMatch(/\nCOMMANDS\n[\s\S]*\n {2}run /);
    expect(stdout).toMatch(/\nCOMMANDS OF PLUGINS\n[\s\S]* words {2}for a test/);
    expect(stdout.split('COMMANDS OF PLUGINS')[0]).not.toContain('words');
  }
  for (const argv of [
    ['words', '--help'],
    ['words', 'x', '-h'],
    ['help', 'words'],
  ]) {
    const { stdout } = await host.ctr(argv);
    expect(stdout, argv.join(' ')).toMatch(
      /ctr-ts words \[flags\] \[WORD\.\.\.\][\s\S]*--loud[\s\S]*--json/,
    );
  }
  expect((await host.ctr(['wrods'])).stderr).toContain('did you mean ctr-ts words?');
});

test('a linked plugin runs as it is in its folder, with our SDK and not its own copy', async () => {
  const { directory } = await publishBuild();
  const source = (word: string) =>
    moduleWith(
      'probe',
      `const { stdout } = await run({ image: 'host:', command: ['echo', ${JSON.stringify(word)}] });
       const maps = readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((row) => row.includes('ctr.node'));
       io.printJson({
         says: stdout.trim(),
         addons: [...new Set(maps.map((row) => row.slice(row.indexOf('/'))))],
         sdk: import.meta.resolve('@ctr-ts/sdk'),
         required: createRequire(import.meta.url)('@ctr-ts/sdk').run === run,
       });
       return 0;`,
      `import { readFileSync } from 'node:fs';
       import { createRequire } from 'node:module';
       import { run } from '@ctr-ts/sdk';`,
    );
  const folder = makePlugin(host.scratch, { name: 'plugin-probe', module: source('first') });
  // As npm install leaves it for whoever writes a plugin: the types' package with its whole tree.
  mkdirSync(join(folder, 'node_modules'));
  cpSync(join(directory, 'node_modules/@ctr-ts'), join(folder, 'node_modules/@ctr-ts'), {
    recursive: true,
  });
  await host.json(['plugins', 'link', folder]);

  const ours = join(directory, 'node_modules/@ctr-ts');
  const expected = (says: string) => ({
    says,
    addons: [expect.stringMatching(new RegExp(`^${ours}/linux-[^/]+/ctr\\.node$`))],
    sdk: `file://${ours}/sdk/dist/index.js`,
    required: true,
  });
  expect(await host.json(['probe'])).toEqual(expected('first'));
  writeFileSync(join(folder, 'commands.js'), source('second'));
  expect(await host.json(['probe'])).toEqual(expected('second'));

  await host.json(['plugins', 'uninstall', 'plugin-probe']);
  expect(existsSync(join(folder, 'package.json'))).toBe(true);
});

test('a newer version takes the place of the older one', async () => {
  for (const version of ['1.0.0', '1.1.0']) {
    const file = await packPlugin(host.scratch, { name: 'plugin-greet', version });
    expect(await host.json(['plugins', 'install', file])).toMatchObject({
      version,
      replaced: version === '1.0.0' ? null : '1.0.0',
    });
  }
  expect((await host.ctr(['greet'])).stdout).toBe('this is greet of plugin-greet 1.1.0\n');
  expect(readdirSync(join(host.directory, 'packages'))).toHaveLength(1);
});

test('oclif hooks fire for the verbs they name, and only those start through oclif', async () => {
  const hook = (event: string) =>
    `export default async function (options) { console.error('${event}', options.id ?? options.Command.id); }`;
  const folder = makePlugin(host.scratch, {
    name: 'plugin-hooks',
    manifest: {
      'ctr-ts': { apiVersion: 1, commands: './commands.js', hookedVerbs: ['version'] },
      oclif: { hooks: { init: './init.js', prerun: ['./prerun.js', './broken.js'] } },
    },
    files: {
      'init.js': hook('init'),
      'prerun.js': hook('prerun'),
      'broken.js': "export default async () => { throw new Error('hook bug'); };",
    },
  });
  expect((await host.ctr(['plugins', 'link', folder])).stdout).toContain('version now start');
  expect(await host.ctr(['version'])).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^ctr-ts 0\./),
    stderr:
      'init version\nprerun version\nctr-ts: prerun hook of plugin plugin-hooks: hook bug [PLUGIN_HOOK_FAILED]\n',
  });
  expect(await host.ctr(['ps'])).toMatchObject({ exitCode: 0, stderr: '' });

  writeFileSync(
    join(folder, 'broken.js'),
    "export default async function () { this.error('not today'); }",
  );
  expect(await host.ctr(['version'])).toMatchObject({
    exitCode: 125,
    stdout: '',
    stderr: expect.stringMatching(
      /prerun hook of plugin plugin-hooks: not today \[PLUGIN_REFUSED\]\n {2}next: /,
    ),
  });
});

test('plugins cost a verb of ours no oclif, none of their code, and one small module', async () => {
  const preload = join(host.scratch, 'list-modules.mjs');
  writeFileSync(
    preload,
    `import { registerHooks } from 'node:module';
     import { appendFileSync } from 'node:fs';
     registerHooks({ load(url, context, next) {
       appendFileSync(process.env.MODULES, url + '\\n');
       return next(url, context);
     } });`,
  );
  const modules = async (name: string): Promise<string[]> => {
    const list = join(host.scratch, name);
    const env = { ...host.env, NODE_OPTIONS: `--import=${preload}`, MODULES: list };
    const ended = await host.ctr(['run', '--rm', 'host:', 'true'], { env });
    expect(ended).toMatchObject({ exitCode: 0, stderr: '' });
    const text = await must('cat', [list]);
    return text.split('\n').filter((url) => url.startsWith('file:'));
  };
  const without = await modules('before');
  const file = await packPlugin(host.scratch, { name: 'plugin-cost', command: 'cost' });
  await host.json(['plugins', 'install', file]);
  const withPlugin = await modules('after');
  await host.json(['plugins', 'uninstall', 'plugin-cost']);

  expect(without.length).toBeGreaterThan(20);
  expect(withPlugin.filter((url) => /@oclif|plugin-cost/.test(url))).toEqual([]);
  const added = withPlugin.filter((url) => !without.includes(url));
  expect(added).toEqual([expect.stringContaining('/dist/plugins/index-file.js')]);
});
