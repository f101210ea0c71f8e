import { expect, expectTypeOf, test } from 'vitest';
import { type Command, defineCommand } from './index.ts';

test('a command is what was given, and knows the types of its flags inside', () => {
  const command = defineCommand({
    id: 'greet',
    summary: 'greet',
    flags: [
      { name: 'loud', short: 'l', type: 'boolean', help: 'x' },
      { name: 'name', type: 'string', help: 'x' },
      { name: 'env', type: 'string', multiple: true, help: 'x' },
    ],
    positionals: { usage: '', min: 0, max: 0 },
    async execute({ flags }) {
      expectTypeOf(flags.loud).toEqualTypeOf<boolean | undefined>();
      expectTypeOf(flags.name).toEqualTypeOf<string | undefined>();
      expectTypeOf(flags.env).toEqualTypeOf<string[] | undefined>();
      expectTypeOf(flags.json).toEqualTypeOf<boolean | undefined>();
      // @ts-expect-error no such flag
      flags.other satisfies unknown;
      return 0;
    },
  });
  expectTypeOf(command).toEqualTypeOf<Command>();
  expect(command).toMatchObject({ id: 'greet', flags: [{ name: 'loud' }, {}, {}] });
});

test('a command without flags still has --json', () => {
  defineCommand({
    id: 'plain',
    summary: 'plain',
    positionals: { usage: '', min: 0 },
    async execute({ flags, positionals }) {
      expectTypeOf(flags.json).toEqualTypeOf<boolean | undefined>();
      expectTypeOf(positionals).toEqualTypeOf<readonly string[]>();
      return 0;
    },
  });
});
