import { fileURLToPath } from 'node:url';
import { type Command, Config } from '@oclif/core';
import { beforeAll, expect, test, vi } from 'vitest';
import { GRAMMARS, INVALID_LINES, VALID_LINES } from '../parser.test.cases.ts';
import { EXIT_OURS } from '../report.ts';
import type { Grammar, Invocation } from '../verb.ts';
import { toCommand } from './command.ts';

let config: Config;

beforeAll(async () => {
  config = await Config.load({ root: fileURLToPath(new URL('../..', import.meta.url)) });
});

test.each(VALID_LINES)('through oclif: $line', async ({ verb, argv, flags, positionals }) => {
  const { command, seen } = recording(GRAMMARS[verb]);
  // Whoever asks for help gets it instead of the view; the parser's own test covers its flags.
  if ('help' in flags) return;
  await command.run(argv, config);
  expect(seen).toEqual([{ flags, positionals }]);
  expect(process.exitCode).toBe(42);
  process.exitCode = undefined;
});

test.each(INVALID_LINES)(
  'through oclif: $line fails with $code',
  async ({ verb, argv, code, says }) => {
    const { command, seen } = recording(GRAMMARS[verb]);
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      await command.run(argv, config);
      const text = stderr.mock.calls.map(([chunk]) => String(chunk)).join('');
      expect(text).toContain(`[${code}]`);
      expect(text.replace('\n  next: ', ' | ')).toContain(says);
    } finally {
      stderr.mockRestore();
    }
    expect(seen).toEqual([]);
    expect(process.exitCode).toBe(EXIT_OURS);
    process.exitCode = undefined;
  },
);

test('at least forty lines are read on both paths', () => {
  expect(VALID_LINES.length + INVALID_LINES.length).toBeGreaterThanOrEqual(40);
});

function recording(grammar: Grammar): { command: Command.Class; seen: Invocation[] } {
  const seen: Invocation[] = [];
  const command = toCommand({
    ...grammar,
    summary: 'record',
    examples: [],
    execute: async ({ flags, positionals }) => {
      seen.push({ flags, positionals: [...positionals] });
      return 42;
    },
  });
  command.id = grammar.id;
  return { command, seen };
}
