/** The demo of a control group by hand, as `npm run demo` shows it, on whatever hierarchies there are. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { paths, root } from '@ctr-ts/dev/repository';
import { expect, test } from 'vitest';

import { execute } from './support/command.ts';
import { cgroupRoot, isUnified } from './support/hierarchy.ts';

test('a group of a fifth of a processor is made, used, watched and removed by a script', async () => {
  const script = join(root, 'ts/dev/src/demo-cgroup.sh');
  const ended = await execute('/bin/sh', [script], {
    env: { ...process.env, CTR_TS: paths.launcher },
    timeoutMs: 60_000,
  });
  expect(ended, ended.stdout + ended.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  expect(ended.stdout).toContain(
    isUnified ? 'kernel: cpu.max "20000 100000"\n' : 'kernel: cpu.cfs_quota_us "20000" of',
  );
  const [, share, throttled] =
    /^kernel: (\d+) % of a processor, stopped (\d+) times$/m.exec(ended.stdout) ?? [];
  expect(Number(share)).toBeGreaterThanOrEqual(10);
  expect(Number(share)).toBeLessThanOrEqual(23);
  expect(Number(throttled)).toBeGreaterThan(10);
  expect(ended.stdout).toContain('kernel: the group is gone\n');
  expect(ended.stdout).toMatch(isUnified ? /^inside: 20000 100000$/m : /^inside: 20000$/m);
  expect(left()).toEqual([]);
}, 300_000);

function left(): string[] {
  return readdirSync(cgroupRoot, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /\/demo-\d+$/.test(path),
  );
}
