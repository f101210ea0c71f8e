import { expect, test } from 'vitest';
import { readManifest } from './manifest.ts';
import { pluginFolder } from './plugin.test.fixture.ts';

const ours = { apiVersion: 1, commands: './commands.js' };

test('a plugin is read from its package.json alone', () => {
  const folder = pluginFolder(
    { oclif: { hooks: { prerun: './hook.js' } }, 'ctr-ts': { ...ours, hookedVerbs: ['run'] } },
    { 'commands.js': 'throw new Error("loaded")', 'hook.js': 'throw new Error("loaded")' },
  );
  expect(readManifest(folder)).toEqual({
    name: 'a-plugin',
    version: '1.0.0',
    apiVersion: 1,
    module: './commands.js',
    hooks: { prerun: ['./hook.js'] },
    hookedVerbs: ['run'],
  });
});

test.each([
  ['no "ctr-ts"', { 'ctr-ts': undefined }, 'PLUGIN_INVALID', 'no "ctr-ts"'],
  [
    'commands of oclif',
    { 'ctr-ts': undefined, oclif: { commands: './x' } },
    'PLUGIN_INVALID',
    'for oclif',
  ],
  [
    'a newer contract',
    { 'ctr-ts': { ...ours, apiVersion: 2 } },
    'PLUGIN_API_VERSION',
    'apiVersion 2',
  ],
  ['no contract', { 'ctr-ts': { commands: './x' } }, 'PLUGIN_API_VERSION', 'undefined'],
  ['no commands', { 'ctr-ts': { apiVersion: 1 } }, 'PLUGIN_INVALID', '"ctr-ts".commands'],
  [
    'a module that is not there',
    { 'ctr-ts': { ...ours, commands: './dist/x.js' } },
    'PLUGIN_INVALID',
    'not in the package',
  ],
  [
    'a module of somebody else',
    { 'ctr-ts': { ...ours, commands: '../x.js' } },
    'PLUGIN_INVALID',
    'outside',
  ],
  [
    'hooks of the engine',
    { 'ctr-ts': { ...ours, hooks: ['spec'], entry: './commands.js' } },
    'NOT_YET',
    'engine',
  ],
  [
    'a copy of the SDK',
    { dependencies: { '@ctr-ts/sdk': '^0.1.0' } },
    'PLUGIN_INVALID',
    '@ctr-ts/sdk of its own',
  ],
  [
    'an event that never fires',
    { oclif: { hooks: { update: './commands.js' } } },
    'PLUGIN_INVALID',
    'never fires',
  ],
  [
    'hooks for no verb',
    { oclif: { hooks: { init: './commands.js' } } },
    'PLUGIN_INVALID',
    'for which verbs',
  ],
  [
    'hooks for a verb that is none',
    { 'ctr-ts': { ...ours, hookedVerbs: ['rnu'] } },
    'PLUGIN_INVALID',
    '"rnu"',
  ],
  ['a name with a path in it', { name: '../../x' }, 'PLUGIN_INVALID', 'name'],
  ['our own name', { name: 'ctr-ts' }, 'PLUGIN_INVALID', 'itself'],
])('refused: %s', (_what, manifest, code, says) => {
  expect(() => readManifest(pluginFolder(manifest))).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(says) }),
  );
});

test('a folder without package.json is no plugin', () => {
  expect(() => readManifest('/proc')).toThrow(expect.objectContaining({ code: 'PLUGIN_INVALID' }));
});
