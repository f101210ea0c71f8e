import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { DIRECT_VERBS, findDirect, isNotYet, OCLIF_VERBS, unknownVerb } from './catalog.ts';
import {
  EXEC_NOT_YET,
  IMAGES_NOT_YET,
  PS_NOT_YET,
  PULL_NOT_YET,
  RMI_NOT_YET,
  RUN_NOT_YET,
} from './docker-flags.ts';
import { VERBS_NOT_YET } from './docker-verbs.ts';
import { HINTS } from './hints.ts';

const IDS = [...Object.keys(DIRECT_VERBS), ...Object.keys(OCLIF_VERBS)];

test('oclif sees exactly the verbs of the catalog', () => {
  const folder = fileURLToPath(new URL('./commands', import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const ids = files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length).replace('/', ' '));
  expect(ids.sort()).toEqual([...IDS].sort());
});

test('what is not there yet is not there', () => {
  expect(IDS.filter((id) => isNotYet(id))).toEqual([]);
});

const ADVICE = [
  ...Object.values(VERBS_NOT_YET),
  ...[RUN_NOT_YET, EXEC_NOT_YET, PS_NOT_YET, PULL_NOT_YET, IMAGES_NOT_YET, RMI_NOT_YET]
    .flat()
    .map(({ notYet }) => notYet),
  ...Object.values(HINTS),
];

test('advice names only verbs that exist', () => {
  const lines = ADVICE.flatMap((advice) => [...advice.matchAll(/ctr-ts ([a-z]+(?: [a-z]+)?)/g)]);
  expect(lines.length).toBeGreaterThan(20);
  for (const [line, words = ''] of lines) {
    const known = findDirect(words.split(' ')) !== undefined || IDS.includes(words);
    expect({ line, known }).toEqual({ line, known: true });
  }
});

test('an unknown flag before any verb is called one', () => {
  expect(unknownVerb(['--nope'])).toMatchObject({ code: 'UNKNOWN_FLAG', hint: 'ctr-ts --help' });
});
