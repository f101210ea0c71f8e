/** Raw mode on a real pseudo-terminal, which script(1) makes. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { rawMode } from './index.ts';

const SDK = fileURLToPath(new URL('./index.ts', import.meta.url));

/** What the terminal's settings are after a program has run on it, and what that printed. */
function onTerminal(body: string): { same: boolean; output: string } {
  const program = [
    `import { rawMode } from ${JSON.stringify(SDK)};`,
    "import { execFileSync } from 'node:child_process';",
    "const stty = () => execFileSync('stty', ['-a'], { stdio: [0, 'pipe', 2] }).toString();",
    'const raw = rawMode();',
    'raw.enter();',
    body,
  ].join('\n');
  const script = 'stty -g; "$NODE" --input-type=module -e "$PROGRAM"; stty -g';
  const env = { ...process.env, NODE: process.execPath, PROGRAM: program };
  // Without an input of its own script(1) would type our stdin into the terminal.
  const shown = execFileSync('script', ['-qec', script, '/dev/null'], { env, input: '' });
  const lines = shown.toString().split(/\r*\n/).filter(Boolean);
  return { same: lines[0] === lines.at(-1), output: lines.slice(1, -1).join('\n') };
}

test('raw is raw in both directions, and what was there comes back', () => {
  const { same, output } = onTerminal('console.log(stty()); raw.leave(); console.log(stty());');
  for (const off of ['opost', 'icanon', 'isig', 'echo', 'ixon', 'icrnl']) {
    expect(output).toMatch(new RegExp(`-${off}\\b[^]*[^-]${off}\\b`));
  }
  expect(same).toBe(true);
});

test('entering again is no change of what comes back', () => {
  expect(onTerminal('raw.enter(); raw.leave(); raw.leave();').same).toBe(true);
});

test.each([
  ['process.exit()', 'process.exit(3);'],
  ['an error that nobody catches', "throw new Error('oops');"],
  ['SIGTERM', "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 10_000);"],
])('the terminal comes back after %s', (_, body) => {
  expect(onTerminal(body).same).toBe(true);
});

test.skipIf(process.stdin.isTTY)('a stdin that is no terminal cannot be made raw', () => {
  expect(() => rawMode().enter()).toThrow(expect.objectContaining({ code: 'IO_ERROR' }));
  expect(() => rawMode().leave()).not.toThrow();
});
