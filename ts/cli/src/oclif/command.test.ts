import { fileURLToPath } from 'node:url';
import { type Command, Config } from '@oclif/core';
import { beforeAll, expect, test } from 'vitest';
import { type RecordingIo, recordingIo } from '../io.test.fixture.ts';
import { GRAMMARS, INVALID_LINES, VALID_LINES } from '../parser.test.cases.ts';
import { EXIT_OURS } from '../report.ts';
import type { Grammar, Invocation, Verb } from '../verb.ts';
import { toCommand } from './command.ts';

let config: Config;

beforeAll(async () => {
  config = await Config.load({ root: fileURLToPath(new URL('../..', import.meta.url)) });
});

// Whoever asks for help gets it instead of the view; the parser's own test covers those lines.
const RUNNABLE = VALID_LINES.filter(({ flags }) => !('help' in flags));

test.each(RUNNABLE)('through oclif: $line', async ({ verb, argv, flags, positionals }) => {
  const { command, seen } = recording(GRAMMARS[verb]);
  await command.run(argv, config);
  expect(seen).toEqual([{ flags, positionals }]);
  expect(process.exitCode).toBe(42);
  process.exitCode = undefined;
});

test.each(INVALID_LINES)(
  'through oclif: $line fails with $code',
  async ({ verb, argv, code, says }) => {
    const { command, seen, io } = recording(GRAMMARS[verb]);
    await command.run(argv, config);
    expect(io.stderr()).toContain(`[${code}]`);
    expect(io.stderr().replace('\n  next: ', ' | ')).toContain(says);
    expect(io.stdout()).toBe('');
    expect(seen).toEqual([]);
    expect(process.exitCode).toBe(EXIT_OURS);
    process.exitCode = undefined;
  },
);

test('at least forty lines are read on both paths', () => {
  expect(RUNNABLE.length + INVALID_LINES.length).toBeGreaterThanOrEqual(40);
});

interface Recording {
  command: Command.Class;
  seen: Invocation[];
  io: RecordingIo;
}

function recording(grammar: Grammar): Recording {
  const seen: Invocation[] = [];
  const io = recordingIo();
  const verb: Verb = {
    ...grammar,
    summary: 'record',
    examples: [],
    execute: async ({ flags, positionals }) => {
      seen.push({ flags, positionals: [...positionals] });
      return 42;
    },
  };
  const command = toCommand(verb, io);
  command.id = grammar.id;
  return { command, seen, io };
}
