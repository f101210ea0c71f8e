import { expect, test } from 'vitest';
import { DIRECT_VERBS, OCLIF_VERBS } from '../catalog.ts';
import type { Flag } from '../flags.ts';
import { toOclif } from './flags.ts';

const verbs = await Promise.all(
  Object.entries({ ...DIRECT_VERBS, ...OCLIF_VERBS }).map(async ([id, load]) => ({
    id,
    ...(await load()),
  })),
);

test.each(verbs)('$id is listed under its own id', ({ id, verb }) => {
  expect(verb.id).toBe(id);
});

test.each(verbs)('oclif knows each flag of $id as the table has it', ({ verb }) => {
  const flags = toOclif(verb.flags);
  expect(Object.keys(flags)).toEqual(verb.flags.map(({ name }) => name));
  for (const row of verb.flags) {
    const { type, char, summary, hidden, aliases } = flags[row.name] ?? {};
    expect({ type, char, summary, hidden, aliases }).toEqual({
      type: row.type === 'string' ? 'option' : 'boolean',
      char: row.short,
      summary: row.help,
      hidden: row.notYet !== undefined,
      aliases: row.aliases ?? [],
    });
  }
});

test('a flag that adds up takes one value each time in oclif too', () => {
  const row: Flag = { name: 'env', type: 'string', multiple: true, metavar: 'NAME', help: 'x' };
  expect(toOclif([row]).env).toMatchObject({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'NAME',
  });
});

test.each(verbs)('no name or letter of $id is taken twice', ({ verb }) => {
  const names = verb.flags.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  const letters = verb.flags.flatMap(({ short }) => (short === undefined ? [] : [short]));
  expect(names).toEqual([...new Set(names)]);
  expect(letters).toEqual([...new Set(letters)]);
  for (const letter of letters) expect(letter).toMatch(/^[a-zA-Z]$/);
});

test.each(verbs)('$id can print JSON and help', ({ verb }) => {
  const names = verb.flags.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['json', 'help']));
});
