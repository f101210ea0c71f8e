import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readIndex, updateIndex } from './index-file.ts';
import { temporaryFolder } from './plugin.test.fixture.ts';
import type { PluginRecord } from './record.ts';

const named = (name: string) => ({ name }) as PluginRecord;
const names = (directory: string) => readIndex(directory).plugins.map(({ name }) => name);

test('a directory that does not exist has no plugins, and looking makes none', () => {
  const directory = join(temporaryFolder(), 'none');
  expect(readIndex(directory)).toEqual({ plugins: [] });
  expect(() =>
    updateIndex(directory, () => {
      throw new Error('refused');
    }),
  ).toThrow('refused');
  expect(() => readdirSync(directory)).toThrow('ENOENT');
});

test('what is written is read, and only the newest file stays', () => {
  const directory = join(temporaryFolder(), 'deep/plugins');
  updateIndex(directory, () => ({ plugins: [named('a')] }));
  updateIndex(directory, ({ plugins }) => ({ plugins: [...plugins, named('b')] }));
  expect(names(directory)).toEqual(['a', 'b']);
  expect(readdirSync(directory)).toEqual(['index-2.json']);
});

test('an older file that cannot be removed is no failure of what was written', () => {
  const directory = temporaryFolder();
  mkdirSync(join(directory, 'index-0.json'));
  updateIndex(directory, () => ({ plugins: [named('a')] }));
  expect(names(directory)).toEqual(['a']);
});

test('a writer that was overtaken begins again on what the other wrote', () => {
  const directory = temporaryFolder();
  let rounds = 0;
  updateIndex(directory, ({ plugins }) => {
    rounds += 1;
    if (rounds === 1) updateIndex(directory, () => ({ plugins: [named('other')] }));
    return { plugins: [...plugins, named('ours')] };
  });
  expect({ rounds, names: names(directory) }).toEqual({ rounds: 2, names: ['other', 'ours'] });
});

test('a writer that was overtaken twice does not win with an old number', () => {
  const directory = temporaryFolder();
  let rounds = 0;
  updateIndex(directory, ({ plugins }) => {
    rounds += 1;
    for (const name of rounds === 1 ? ['a', 'b'] : []) {
      updateIndex(directory, (now) => ({ plugins: [...now.plugins, named(name)] }));
    }
    return { plugins: [...plugins, named('ours')] };
  });
  expect({ rounds, names: names(directory) }).toEqual({ rounds: 2, names: ['a', 'b', 'ours'] });
});

test('of many processes that write at once none is lost', async () => {
  const directory = temporaryFolder();
  const url = pathToFileURL(join(import.meta.dirname, 'index-file.ts')).href;
  const write = (name: string) =>
    promisify(execFile)(process.execPath, [
      '--input-type=module',
      '--eval',
      `const { updateIndex } = await import(${JSON.stringify(url)});
       for (let i = 0; i < 25; i++) {
         updateIndex(${JSON.stringify(directory)}, ({ plugins }) => ({ plugins: [...plugins, { name: '${name}' + i }] }));
       }`,
    ]);
  await Promise.all(['a', 'b', 'c', 'd'].map(write));
  expect(new Set(names(directory)).size).toBe(100);
  expect(names(directory)).toHaveLength(100);
  expect(readdirSync(directory)).toEqual(['index-100.json']);
});

test('a directory that others can write to is refused', () => {
  const directory = temporaryFolder();
  updateIndex(directory, () => ({ plugins: [named('a')] }));
  for (const mode of [0o777, 0o770]) {
    chmodSync(directory, mode);
    const refused = expect.objectContaining({ code: 'PLUGINS_UNSAFE' });
    expect(() => readIndex(directory)).toThrow(refused);
    expect(() => updateIndex(directory, (index) => index)).toThrow(refused);
  }
});

test.each(['', '{', '{"format": 2, "plugins": []}', 'null'])(
  'an index that is %j is told',
  (text) => {
    const directory = temporaryFolder();
    writeFileSync(join(directory, 'index-1.json'), text);
    expect(() => readIndex(directory)).toThrow(
      expect.objectContaining({ code: 'PLUGINS_UNREADABLE' }),
    );
  },
);
