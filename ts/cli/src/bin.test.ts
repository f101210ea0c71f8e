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
  const failed = await promisify(execFile)(old ?? '', [BIN, 'run', 'host:', 'id'], {
    encoding: 'utf8',
  }).then(
    () => undefined,
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  expect(failed?.code).toBe(1);
  expect(failed?.stdout).toBe('');
  expect(failed?.stderr).toMatch(
    /^ctr-ts: found Node \d+\.\d+\.\d+, needs Node 22\.18 or newer; next: npm .*\n$/,
  );
});

if (old === undefined)
  console.warn('skipped: no Node older than 22.18 at /usr/bin/node or /usr/local/bin/node');
