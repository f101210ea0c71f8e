import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const BIN = fileURLToPath(new URL('../bin/ctr-ts.js', import.meta.url));

/** A Node of the machine that is too old for us, where there is one. */
function oldNode(): string | undefined {
  const candidates = ['/usr/bin/node', '/usr/local/bin/node'].filter((path) => existsSync(path));
  return candidates.find((path) => {
    const [major = 0, minor = 0] = execFileSync(path, ['-p', 'process.versions.node'], {
      encoding: 'utf8',
    })
      .split('.')
      .map(Number);
    return major < 22 || (major === 22 && minor < 18);
  });
}

const old = oldNode();

test.skipIf(old === undefined)('on an older Node the bin prints one line and exits 1', async () => {
  const { code, stdout, stderr } = await outcome(old ?? '', [BIN, 'run', 'host:', 'id']);
  expect(stderr).toMatch(
    /^ctr-ts: found Node \d+\.\d+\.\d+, needs Node 22\.18 or newer; next: npx --yes -p node-linux-\w+@24 ctr-ts run\n$/,
  );
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});

test('elsewhere than on Linux the bin says what to do and exits 1', async () => {
  const elsewhere = "Object.defineProperty(process, 'platform', { value: 'darwin' });";
  const body = `${elsewhere} await import(${JSON.stringify(BIN)});`;
  const args = ['--input-type=module', '-e', body];
  const { code, stdout, stderr } = await outcome(process.execPath, args);
  expect(stderr).toMatch(/^ctr-ts: containers need Linux, found darwin; next: .*limactl.*\n$/);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
});

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function outcome(file: string, args: readonly string[]): Promise<Outcome> {
  return promisify(execFile)(file, args, { encoding: 'utf8', timeout: 10_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Outcome) => error,
  );
}

if (old === undefined)
  console.warn('skipped: no Node older than 22.18 at /usr/bin/node or /usr/local/bin/node');
