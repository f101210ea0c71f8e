/** What one's own container, which alone does not keep Node alive, keeps alive while it is waited for. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const SDK = new URL('./index.ts', import.meta.url).href;
const directory = mkdtempSync(join(tmpdir(), 'ctr-ts-stop-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

// PID 1 ignores what it has no handler for.
const STUBBORN = ['sleep', '100'];

const script = (command: string[], rest: string): string => `
  import { Container } from ${JSON.stringify(SDK)};
  const own = await Container.create({
    image: 'host:',
    command: ${JSON.stringify(command)},
    engine: ${JSON.stringify({ dataRoot: join(directory, 'data'), runRoot: join(directory, 'run') })},
  });
  ${rest}
`;

const TELL = 'console.log(JSON.stringify(await own.wait()));';
const LATE = ['sh', '-c', 'trap "sleep 0.5; exit 8" TERM; while :; do sleep 0.1; done'];
// A shell needs a moment to set its trap.
const PAUSE = 'await new Promise((resolve) => setTimeout(resolve, 500));';

test.each([
  ['wait() sees the end', ['sh', '-c', 'sleep 0.5; exit 7'], '', { exitCode: 7 }],
  ['stop() kills', STUBBORN, 'await own.stop({ timeoutMs: 300 });', { signal: 'SIGKILL' }],
  ['stop() waits', LATE, `${PAUSE} await own.stop({ timeoutMs: Infinity });`, { exitCode: 8 }],
])('%s in a Node that does nothing else', async (_, command, act, exit) => {
  const { stdout, code } = await node(script(command, `${act} ${TELL}`));
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject(exit);
});

test('a container that nobody waits for does not keep Node alive', async () => {
  expect(await node(script(STUBBORN, ''))).toEqual({ stdout: '', code: 0 });
});

/** Runs an ES module in a Node of its own. */
async function node(body: string): Promise<{ stdout: string; code: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', body], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const stdout = Buffer.concat(await child.stdout.toArray()).toString();
  return { stdout, code: await code };
}
