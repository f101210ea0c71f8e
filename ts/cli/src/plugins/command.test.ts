import { expect, test } from 'vitest';
import { readCommands } from './command.ts';

const good = {
  id: 'greet',
  summary: 'greets',
  flags: [{ name: 'loud', short: 'l', aliases: ['noisy'], type: 'boolean', help: 'x' }],
  positionals: { usage: '', min: 0, max: 0 },
  execute: async () => 0,
};

const withFlag = (flag: object) => [
  { ...good, flags: [{ name: 'xx', type: 'string', help: 'x', ...flag }] },
];

test('what is right comes back as it was', () => {
  expect(readCommands('p', { commands: [good] })).toEqual([good]);
  expect(
    readCommands('p', { commands: [{ ...good, id: 'say hello', flags: undefined }] }),
  ).toHaveLength(1);
});

test.each([
  ['nothing', undefined, 'no array'],
  ['an empty array', [], 'no array'],
  ['null', [null], 'id'],
  ['a capital letter', [{ ...good, id: 'Greet' }], '"Greet"'],
  ['three words', [{ ...good, id: 'a b c' }], '"a b c"'],
  ['no summary', [{ ...good, summary: '' }], 'summary'],
  ['no function', [{ ...good, execute: 1 }], 'execute'],
  ['examples that are no texts', [{ ...good, examples: [1] }], 'examples'],
  ['flags that are no array', [{ ...good, flags: {} }], 'flags'],
  ['our own --json', withFlag({ name: 'json' }), '--json is on every command'],
  ['our own --help as an alias', withFlag({ aliases: ['help'] }), '--help is on every command'],
  ['dashes', withFlag({ name: '--xx' }), '"--xx"'],
  ['a short flag of two letters', withFlag({ short: 'xy' }), '"xy"'],
  ['a type of its own', withFlag({ type: 'number' }), 'type'],
  ['no help', withFlag({ help: undefined }), 'help'],
  [
    'a letter twice',
    [{ ...good, flags: [...good.flags, { ...good.flags[0], name: 'long', aliases: [] }] }],
    'name l',
  ],
  ['no positionals', [{ ...good, positionals: undefined }], 'positionals'],
  [
    'more at least than at most',
    [{ ...good, positionals: { usage: '', min: 2, max: 1 } }],
    'positionals',
  ],
  ['a command twice', [good, good], 'two commands greet'],
  [
    'a command and one that begins with it',
    [good, { ...good, id: 'greet all' }],
    'could also mean',
  ],
])('refused: %s', (_what, commands, says) => {
  expect(() => readCommands('p', { commands })).toThrow(
    expect.objectContaining({ code: 'PLUGIN_INVALID', message: expect.stringContaining(says) }),
  );
});
