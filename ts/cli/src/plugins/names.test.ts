import { expect, test } from 'vitest';
import { isReserved, requireFreeNames } from './names.ts';
import type { CommandRecord, PluginRecord } from './record.ts';

const plugin = (name: string, ...ids: string[]) =>
  ({
    name,
    commands: ids.map((id) => ({ id }) as CommandRecord),
  }) as Partial<PluginRecord> as PluginRecord;

test.each(['run', 'cgroup', 'plugins', 'system', 'help', 'commit', 'plugin'])(
  '%s is a word of ours or of docker',
  (word) => {
    expect(isReserved(word)).toBe(true);
    expect(() => requireFreeNames(plugin('a', `${word} more`), { plugins: [] })).toThrow(
      expect.objectContaining({ code: 'PLUGIN_COLLISION' }),
    );
  },
);

test('a first word belongs to one plugin', () => {
  const index = { plugins: [plugin('a', 'disk use'), plugin('b', 'which')] };
  for (const id of ['which', 'disk', 'disk free']) {
    expect(() => requireFreeNames(plugin('c', 'new', id), index)).toThrow(
      expect.objectContaining({
        code: 'PLUGIN_COLLISION',
        message: expect.stringMatching(/plugin [ab]$/),
      }),
    );
  }
});

test('a newer version of a plugin keeps its words', () => {
  const index = { plugins: [plugin('a', 'which')] };
  expect(() => requireFreeNames(plugin('a', 'which', 'where'), index)).not.toThrow();
});
