/** What is no plugin, or not a good one: refused in one line, with nothing left behind. */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { publishBuild } from '@ctr-ts/dev/publish';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import {
  type MadePlugin,
  makePlugin,
  type PluginHost,
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

const contract = { apiVersion: 1, commands: './commands.js' };

interface Refused {
  what: string;
  plugin: Omit<MadePlugin, 'name'>;
  code: string;
  says: string;
}

/** Packed and installed; npm is not quick, so only what it has a part in. */
const refused: Refused[] = [
  {
    what: 'a package that is no plugin',
    plugin: { manifest: { 'ctr-ts': undefined } },
    code: 'PLUGIN_INVALID',
    says: 'no "ctr-ts"',
  },
  {
    what: 'a module that throws',
    plugin: { module: "throw new Error('no good');" },
    code: 'PLUGIN_BROKEN',
    says: 'no good',
  },
  { what: 'a verb of ours', plugin: { command: 'run' }, code: 'PLUGIN_COLLISION', says: 'run' },
  {
    what: 'a topic of ours',
    plugin: { command: 'cgroup watch' },
    code: 'PLUGIN_COLLISION',
    says: 'cgroup',
  },
  {
    what: 'an SDK of its own',
    plugin: { manifest: { dependencies: { '@ctr-ts/sdk': '*' }, peerDependencies: {} } },
    code: 'PLUGIN_INVALID',
    says: 'its own',
  },
  {
    what: 'a peer of another version',
    plugin: { manifest: { peerDependencies: { '@ctr-ts/sdk': '^9.0.0' } } },
    code: 'PLUGIN_INCOMPATIBLE',
    says: 'ERESOLVE',
  },
  {
    what: 'a dependency when the registry is not there',
    plugin: { manifest: { dependencies: { 'some-package': '1.0.0' } } },
    code: 'NPM_REGISTRY_UNREACHABLE',
    says: 'ECONNREFUSED',
  },
];

const refusedLinks: Refused[] = [
  {
    what: 'a plugin of another oclif program',
    plugin: { manifest: { 'ctr-ts': undefined, oclif: { commands: './commands.js' } } },
    code: 'PLUGIN_INVALID',
    says: 'for oclif',
  },
  {
    what: 'a contract that is not known',
    plugin: { manifest: { 'ctr-ts': { ...contract, apiVersion: 2 } } },
    code: 'PLUGIN_API_VERSION',
    says: 'apiVersion 2',
  },
  {
    what: 'a module that ends the process',
    plugin: { module: 'process.exit(0);' },
    code: 'PLUGIN_BROKEN',
    says: 'ends the process',
  },
  {
    what: 'a module that is no JavaScript',
    plugin: { module: '{{{' },
    code: 'PLUGIN_BROKEN',
    says: 'Unexpected',
  },
  {
    what: 'a module without commands',
    plugin: { module: 'export default 1;' },
    code: 'PLUGIN_INVALID',
    says: 'commands',
  },
  {
    what: 'a verb of docker',
    plugin: { command: 'commit' },
    code: 'PLUGIN_COLLISION',
    says: 'docker',
  },
];

test.each(refused)('install refuses $what: $code', async ({ plugin, code, says }) => {
  const file = await packPlugin(host.scratch, { name: 'plugin-refused', ...plugin });
  const { exitCode, stdout, stderr } = await host.ctr(['plugins', 'install', file, '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 125, stderr: '' });
  const { error } = JSON.parse(stdout);
  expect(error).toMatchObject({
    code,
    message: expect.stringContaining(says),
    hint: expect.stringMatching(/\S/),
  });
  expect(host.projects()).toEqual([]);
  expect(await host.json(['plugins', 'list'])).toEqual([]);
});

test.each(refusedLinks)('link refuses $what: $code', async ({ plugin, code, says }) => {
  const folder = makePlugin(host.scratch, { name: 'plugin-refused', ...plugin });
  const { exitCode, stdout, stderr } = await host.ctr(['plugins', 'link', folder]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^ctr-ts: .*${says}.* \\[${code}\\]\\n  next: .*\\n$`));
  expect(existsSync(host.directory)).toBe(false);
});

test('a word belongs to the plugin that came first', async () => {
  const first = await packPlugin(host.scratch, { name: 'plugin-first', command: 'greet' });
  const second = await packPlugin(host.scratch, { name: 'plugin-second', command: 'greet loudly' });
  await host.json(['plugins', 'install', first]);
  const { exitCode, stderr } = await host.ctr(['plugins', 'install', second]);
  expect(exitCode).toBe(125);
  expect(stderr).toBe(
    'ctr-ts: add command greet loudly of plugin-second: greet belongs to plugin plugin-first [PLUGIN_COLLISION]\n' +
      '  next: ctr-ts plugins uninstall plugin-first\n',
  );
  expect(host.projects()).toHaveLength(1);
  expect((await host.ctr(['greet'])).stdout).toContain('plugin-first');
});

test('a failed newer version leaves the older one as it was', async () => {
  const good = await packPlugin(host.scratch, { name: 'plugin-good' });
  const bad = await packPlugin(host.scratch, {
    name: 'plugin-good',
    version: '2.0.0',
    module: '{',
  });
  await host.json(['plugins', 'install', good]);
  expect((await host.ctr(['plugins', 'install', bad])).stderr).toContain('[PLUGIN_BROKEN]');
  expect((await host.ctr(['greet'])).stdout).toBe('this is greet of plugin-good 1.0.0\n');
  expect(host.projects()).toHaveLength(1);
});

test('install scripts do not run', async () => {
  const mark = join(host.scratch, 'data/ran');
  const scripts = Object.fromEntries(
    ['preinstall', 'install', 'postinstall', 'prepare'].map((name) => [name, `touch ${mark}`]),
  );
  const file = await packPlugin(host.scratch, { name: 'plugin-scripts', manifest: { scripts } });
  const env = { ...host.env, npm_config_ignore_scripts: 'false' };
  expect((await host.ctr(['plugins', 'install', file], { env })).exitCode).toBe(0);
  expect(existsSync(mark)).toBe(false);
});

test('what cannot be found is told with the next step', async () => {
  const folder = makePlugin(host.scratch, { name: 'plugin-folder' });
  const cases = [
    [['install', folder], 'INVALID_ARGUMENT', `ctr-ts plugins link ${folder}`],
    [['install', './no-such.tgz'], 'FILE_NOT_FOUND', 'check the path'],
    [['install', 'some-package'], 'NPM_REGISTRY_UNREACHABLE', 'npm config get registry'],
    [['install', 'git+ssh://x/y'], 'INVALID_ARGUMENT', 'plugins install NAME'],
    [['link', '/no/such/folder'], 'FILE_NOT_FOUND', 'package.json'],
    [['uninstall', 'nothing-at-all'], 'PLUGIN_NOT_INSTALLED', 'ctr-ts plugins list'],
  ] as const;
  for (const [argv, code, hint] of cases) {
    const { exitCode, stderr } = await host.ctr(['plugins', ...argv]);
    expect({ exitCode, stderr }, argv.join(' ')).toEqual({
      exitCode: 125,
      stderr: expect.stringMatching(new RegExp(`\\[${code}\\]\\n  next: .*${hint}`)),
    });
  }
  await host.json(['plugins', 'link', folder]);
  expect((await host.ctr(['plugins', 'uninstall', 'plugin-fodler'])).stderr).toContain(
    'next: did you mean plugin-folder?',
  );
});

test('without npm on PATH or beside Node it says where to get one', async () => {
  const file = await packPlugin(host.scratch, { name: 'plugin-npm' });
  const env = { ...host.env, PATH: '/no/such/folder' };
  const { exitCode, stderr } = await host.ctr(['plugins', 'install', file], { env });
  expect({ exitCode, stderr }).toEqual({
    exitCode: 125,
    stderr: expect.stringMatching(/^ctr-ts: find npm: .* \[NPM_NOT_FOUND\]\n {2}next: install npm/),
  });
});

test('a package of a registry is found by name and version, and missed by others', async () => {
  const file = await packPlugin(host.scratch, { name: 'plugin-published', version: '1.2.3' });
  const registry = await serve('plugin-published', '1.2.3', file);
  try {
    const { port } = registry.address() as AddressInfo;
    const env = { ...host.env, npm_config_registry: `http://127.0.0.1:${port}/` };
    const install = (spec: string) => host.ctr(['plugins', 'install', spec], { env });
    expect((await install('plugin-published@9')).stderr).toContain('[PLUGIN_NOT_FOUND]');
    expect((await install('plugin-unpublished')).stderr).toContain('[PLUGIN_NOT_FOUND]');
    expect(host.projects()).toEqual([]);
    expect((await install('plugin-published@^1.2.0')).stderr).toBe('');
    expect((await host.ctr(['greet'])).stdout).toContain('plugin-published 1.2.3');
  } finally {
    registry.close();
    registry.closeAllConnections();
  }
});

test('a directory that others can write to is left out, and our own verbs run', async () => {
  const folder = makePlugin(host.scratch, { name: 'plugin-open' });
  await host.json(['plugins', 'link', folder]);
  chmodSync(host.directory, 0o777);
  const { exitCode, stdout, stderr } = await host.ctr(['version']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^ctr-ts/) });
  expect(stderr).toMatch(/^ctr-ts: leave plugins out: .* \[PLUGINS_UNSAFE\]\n {2}next: .*\n$/);
  expect((await host.ctr(['greet'])).stderr).toContain('[UNKNOWN_COMMAND]');
});

test('a plugin that breaks later is one line, and nothing else breaks with it', async () => {
  const folder = makePlugin(host.scratch, { name: 'plugin-later' });
  const fine = makePlugin(host.scratch, { name: 'plugin-fine', command: 'fine' });
  await host.json(['plugins', 'link', folder]);
  await host.json(['plugins', 'link', fine]);
  writeFileSync(join(folder, 'commands.js'), "import 'no-such-package';");

  expect(await host.ctr(['greet'])).toMatchObject({
    exitCode: 125,
    stdout: '',
    stderr: expect.stringMatching(
      /^ctr-ts: load plugin plugin-later: .*no-such-package.* \[PLUGIN_BROKEN\]\n {2}next: .*\n$/,
    ),
  });
  expect((await host.ctr(['fine'])).exitCode).toBe(0);
  expect(await host.ctr(['run', '--rm', 'host:', 'true'])).toMatchObject({
    exitCode: 0,
    stderr: '',
  });
  expect(await host.ctr(['--help'])).toMatchObject({ exitCode: 0, stderr: '' });

  const [working, broken] = (await host.json(['plugins', 'list'])) as Record<string, unknown>[];
  expect(working).not.toHaveProperty('problem');
  expect(broken).toMatchObject({ name: 'plugin-later', problem: { code: 'PLUGIN_BROKEN' } });
  const { stdout } = await host.ctr(['plugins', 'list']);
  expect(stdout).toMatch(/plugin-later +1\.0\.0 +linked, broken +greet\n/);
  expect(stdout).toMatch(/\nplugin-later: .* \[PLUGIN_BROKEN\]\n {2}next: /);
});

/** A registry with one package of one version. */
async function serve(name: string, version: string, file: string): Promise<Server> {
  const packed = readFileSync(file);
  const integrity = `sha512-${createHash('sha512').update(packed).digest('base64')}`;
  const server = createServer((request, response) => {
    if (request.url === `/${name}`) {
      const tarball = `http://${request.headers.host}/${name}.tgz`;
      const row = {
        name,
        version,
        peerDependencies: { '@ctr-ts/sdk': '*' },
        dist: { tarball, integrity },
      };
      const document = { name, 'dist-tags': { latest: version }, versions: { [version]: row } };
      response.setHeader('content-type', 'application/json').end(JSON.stringify(document));
    } else if (request.url === `/${name}.tgz`) response.end(packed);
    else
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not found"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
