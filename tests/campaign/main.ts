/**
 * The long form of the tests that run small in `npm test`, and the record of its result:
 *
 *   npm run campaign [-- --rounds 200]
 *
 * Writes tests/campaign/RESULTS.md with commit, date and what was counted.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '../..');
const results = join(root, 'tests/campaign/RESULTS.md');
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } });

const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const words = [vitest, 'run', '--project', 'e2e', 'tests/e2e/leak.test.ts'];
const started = performance.now();
const { status, stdout } = spawnSync(process.execPath, words, {
  cwd: root,
  env: { ...process.env, CTR_TS_ROUNDS: values.rounds, NO_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
  encoding: 'utf8',
  timeout: 40 * 60_000,
});
process.stdout.write(stdout);
const seconds = Math.round((performance.now() - started) / 1000);
const counted = stdout.split('\n').find((line) => /^\s*Tests\s/.test(line)) ?? 'no test ran';
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
  cwd: root,
  encoding: 'utf8',
});
const row = [
  new Date().toISOString().slice(0, 10),
  commit.trim(),
  `Linux ${release()}`,
  `${values.rounds} kill rounds`,
  status === 0 ? 'passed' : 'failed',
  counted.trim().replace(/\s+/g, ' ').replaceAll('|', ','),
  `${seconds} s`,
];
if (!existsSync(results)) {
  const head = ['date', 'commit', 'kernel', 'campaign', 'outcome', 'counted', 'took'];
  writeFileSync(
    results,
    `# Campaigns\n\n| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|\n`,
  );
}
appendFileSync(results, `| ${row.join(' | ')} |\n`);
process.exitCode = status ?? 1;
