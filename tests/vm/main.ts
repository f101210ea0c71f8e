/**
 * `npm run vm -- FILE... [-t PATTERN] [--user NAME] [--profile NAME] [--publish] [--console]`:
 * test files in a machine, by hand. Also `npm run vm -- --prepare`, which makes the images only.
 */
import { parseArgs } from 'node:util';
import type { Line } from './support/results.ts';
import { type Profile, prepareImages, profiles, runVm } from './support/run-vm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    testNamePattern: { type: 'string', short: 't' },
    user: { type: 'string' },
    profile: { type: 'string', default: 'cgroup2' },
    publish: { type: 'boolean', default: false },
    console: { type: 'boolean', default: false },
    prepare: { type: 'boolean', default: false },
  },
});

if (values.prepare) await prepareImages();
else process.exitCode = await run();

async function run(): Promise<number> {
  if (positionals.length === 0) throw new Error('which test files? npm run vm -- FILE...');
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => interrupted.abort());
  const result = await runVm(profileOf(values.profile), positionals, {
    user: values.user,
    pattern: values.testNamePattern,
    publish: values.publish,
    timeoutMs: 900_000,
    signal: interrupted.signal,
    onLine: (line) => say(describe(line)),
    onConsole: (text) => {
      if (values.console) process.stderr.write(text);
    },
  });
  const failed = result.tests.filter(({ state }) => state === 'failed').length;
  const skipped = result.tests.filter(({ state }) => state === 'skipped').length;
  for (const { file, message } of result.problems) say(`problem: ${file}: ${message}`);
  say(
    `${result.tests.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped, ` +
      `${result.problems.length} problems in ${(result.durationMs / 1000).toFixed(1)} s`,
  );
  return failed + result.problems.length === 0 ? 0 : 1;
}

function profileOf(name: string): Profile {
  if (name in profiles) return name as Profile;
  throw new Error(`no profile ${name}; there is ${Object.keys(profiles).join(', ')}`);
}

function describe(line: Line): string {
  switch (line.kind) {
    case 'booted':
      return `booted Linux ${line.kernel}, ${line.uptimeMs} ms by its own clock`;
    case 'test':
      return [
        `${line.state} ${line.file} > ${line.name} (${line.durationMs} ms)`,
        ...(line.note ? [`  ${line.note}`] : []),
        ...line.errors,
      ].join('\n');
    case 'problem':
      return `problem ${line.file}: ${line.message}`;
    case 'end':
      return `vitest ended with ${line.exitCode}`;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
