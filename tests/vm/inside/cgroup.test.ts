/** Control groups where there is nothing but version 2. */
import { readFileSync } from 'node:fs';

import { expect, test } from 'vitest';

import { ctr } from '../../e2e/support/command.ts';

test('the machine has one hierarchy, and doctor says so', async () => {
  expect(readFileSync('/proc/self/cgroup', 'utf8')).toMatch(/^0::\/.*\n$/);
  const ended = await ctr(['doctor', '--json']);
  expect(ended.exitCode, ended.stdout).toBe(0);
  expect(JSON.parse(ended.stdout)).toMatchObject({ ok: true });
});
