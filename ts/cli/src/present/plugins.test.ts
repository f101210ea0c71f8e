import { expect, test } from 'vitest';
import type { PluginInfo } from '../plugins/list.ts';
import type { CommandRecord, PluginRecord } from '../plugins/record.ts';
import { presentAdded, presentPlugins } from './plugins.ts';

const plugin: PluginInfo = {
  name: 'a-plugin',
  version: '1.0.0',
  source: 'installed',
  origin: 'a-plugin',
  root: '/x',
  commands: ['disk use', 'disk free'],
  hookedVerbs: [],
};

test('no plugins is a line that says how to get one', () => {
  expect(presentPlugins([])).toContain('ctr-ts plugins install NAME');
});

test('a plugin that does not work is marked, and says why below', () => {
  const problem = { code: 'PLUGIN_BROKEN', message: 'load it: \u001b[2Jno', hint: 'again' };
  expect(presentPlugins([plugin, { ...plugin, name: 'b', source: 'linked', problem }])).toBe(
    `NAME       VERSION   SOURCE           COMMANDS
a-plugin   1.0.0     installed        disk use, disk free
b          1.0.0     linked, broken   disk use, disk free

b: load it: \\x1b[2Jno [PLUGIN_BROKEN]
  next: again
`,
  );
});

test('what a plugin brings is said when it is added, and what it costs', () => {
  const record = {
    ...plugin,
    commands: [{ id: 'greet', summary: 'greets' } as CommandRecord],
    hookedVerbs: ['run', 'ps'],
  } as Partial<PluginRecord> as PluginRecord;
  expect(presentAdded({ plugin: record, replaced: '0.9.0' })).toBe(
    `installed a-plugin 1.0.0, in place of 0.9.0
  ctr-ts greet   greets
  it has hooks: run, ps now start through oclif, which takes longer
`,
  );
});
