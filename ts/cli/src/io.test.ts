import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { wantsColor } from './io.ts';

const IO = fileURLToPath(new URL('./io.ts', import.meta.url));

/** Node runs this TypeScript as it is. */
function script(body: string): string[] {
  return [
    '--input-type=module',
    '-e',
    `const { processIo } = await import(${JSON.stringify(IO)}); ${body}`,
  ];
}

test('a long document reaches a slow reader whole', async () => {
  const body = "processIo().printJson({ text: 'x'.repeat(3_000_000) }); process.exit(0);";
  const child = spawn(process.execPath, script(body), { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => setTimeout(resolve, 300));
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  expect(JSON.parse(Buffer.concat(chunks).toString()).text).toHaveLength(3_000_000);
});

test('a reader that goes away is no error', async () => {
  const body = "for (let i = 0; i < 50_000; i++) processIo().print('a line of text');";
  const child = spawn(process.execPath, script(body), { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.once('data', () => child.stdout.destroy());
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const [code] = await once(child, 'close');
  expect(Buffer.concat(errors).toString()).toBe('');
  expect(code).toBe(0);
});

test('printing leaves a shared pipe as it was', async () => {
  const body = [
    "import('node:fs').then(({ readFileSync }) => {",
    "const flags = () => Number.parseInt(/flags:\\s*(\\d+)/.exec(readFileSync('/proc/self/fdinfo/1', 'utf8'))[1], 8);",
    'const io = processIo(); const before = flags(); void io.columns; void io.color; io.note("");',
    'io.print(JSON.stringify({ before, after: flags() }));',
    '})',
  ].join('\n');
  const shell = `"$0" "$@" | cat`;
  const child = spawn('sh', ['-c', shell, process.execPath, ...script(body)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  const { before, after } = JSON.parse(Buffer.concat(chunks).toString());
  expect(after).toBe(before);
});

test.each([
  [{}, true, true],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ TERM: 'dumb' }, true, false],
  [{}, false, false],
])('with %j and a terminal: %s, colours: %s', (env, terminal, colors) => {
  expect(wantsColor(env, terminal)).toBe(colors);
});
