/** Every outcome that a test can have, and then the end of the machine. For harness.test.ts. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { networkInterfaces, userInfo } from 'node:os';

import { expect, test } from 'vitest';

test('passes: the clock is right, loopback is the only network', () => {
  expect(Math.abs(Date.now() - Number(process.env.CTR_TS_HOST_TIME))).toBeLessThan(300_000);
  expect(Object.keys(networkInterfaces())).toEqual(['lo']);
  expect(userInfo().username).toBe('root');
});

test('fails', () => {
  expect('a "quoted" line\nand another').toBe('something else');
});

test('is skipped', ({ skip }) => skip('nothing is missing'));

test('has a PID 1 that reaps orphans', async () => {
  const { stdout } = spawnSync('/bin/sh', ['-c', '(sleep 0.1 & echo $!) && sleep 1']);
  expect(() => process.kill(Number(stdout), 0)).toThrow('ESRCH');
});

test('panics', async () => {
  // Results are written at once; this gives the host the time to read them.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  writeFileSync('/proc/sysrq-trigger', 'c');
  await new Promise(() => {});
});
