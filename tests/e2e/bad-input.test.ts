/** What cannot work: one line with a code, one with what to do next, docker's status, and nothing left behind. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { badInput } from './support/bad-input.ts';
import { ctr, type Ended, type Started, startCtr } from './support/command.ts';
import { busybox, pack } from './support/images.ts';
import { leftSince, type Machine, snapshot } from './support/machine.ts';
import { productOf, type UserProduct, userKinds } from './support/user.ts';

const directory = mkdtempSync(join(tmpdir(), 'e2e-bad-input-'));
let taken: Started;
let before: Machine;
let user: UserProduct | undefined;

beforeAll(async () => {
  chmodSync(directory, 0o755);
  const file = (name: string, text: string, mode: number) => {
    writeFileSync(join(directory, name), text);
    chmodSync(join(directory, name), mode);
  };
  file('file', 'text', 0o644);
  file('garbage', '\0\u0001\u0002', 0o755);
  file('script', '#!/no/such/interpreter\n', 0o755);
  const syscalls = [{ names: ['mkdir'], action: 'SCMP_ACT_SING' }];
  file('profile.json', JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }), 0o644);
  mkdirSync(join(directory, 'private'), { mode: 0o700 });
  const rootfs = busybox(directory);
  if (rootfs !== undefined) await pack(rootfs, join(directory, 'layout'));
  user = await productOf(userKinds[0].name);
  taken = startCtr(
    ['run', '--rm', '--name', 'e2e-taken', 'host:', 'sh', '-c', 'echo up; sleep 280'],
    { timeoutMs: 280_000 },
  );
  await taken.until(/up/);
  before = snapshot();
}, 200_000);

afterAll(async () => {
  await ctr(['rm', '-f', 'e2e-taken']);
  taken.killGroup();
  rmSync(directory, { recursive: true });
});

/** `ctr-ts: message [CODE]`, then `  next: what to do`, and not a word more. */
function expectRefusal(ended: Ended, exitCode: number, code: RegExp): void {
  expect(ended.stdout).toBe('');
  const [first = '', next, ...rest] = ended.stderr.split('\n');
  expect(first).toMatch(/^ctr-ts: \S.* \[[A-Z][A-Z_]+\]$/);
  expect(/\[([A-Z_]+)\]$/.exec(first)?.[1]).toMatch(code);
  expect(next, `after: ${first}`).toMatch(/^ {2}next: \S/);
  expect(rest).toEqual(['']);
  expect(ended.exitCode, first).toBe(exitCode);
}

test.each(badInput)('$title', async ({ args, exitCode = 125, code }) => {
  const words = args.map((word) => word.replace(/(^|[:=])D(?=$|[/:])/, `$1${directory}`));
  expectRefusal(await ctr(words), exitCode, code);
  expect(await leftSince(before)).toEqual([]);
});

test('the table has at least 30 cases, none twice', () => {
  expect(badInput.length).toBeGreaterThanOrEqual(30);
  expect(new Set(badInput.map(({ title }) => title)).size).toBe(badInput.length);
});

test.each([
  { title: 'a rootfs it may not read', args: ['rootfs:D/private', 'true'] },
  { title: 'a layout it may not read', args: ['oci:D/private', 'true'] },
  {
    title: 'a volume below what it may not enter',
    args: ['-v', 'D/private/x:/x', 'host:', 'true'],
  },
])('an ordinary user names $title', async ({ args }) => {
  if (user === undefined)
    return expect.fail('the test users are missing; run npm test once as root');
  const words = args.map((word) => word.replace(/(^|[:=])D(?=$|[/:])/, `$1${directory}`));
  expectRefusal(await user.ctr(['run', '--rm', ...words]), 125, /^[A-Z_]+$/);
  expect(await leftSince(before)).toEqual([]);
});

test('with --json the refusal is one document on stdout', async () => {
  const ended = await ctr(['run', '--rm', '--json', '--memory', 'much', 'host:', 'true']);
  expect(ended).toMatchObject({ exitCode: 125, stderr: '' });
  expect(JSON.parse(ended.stdout)).toMatchObject({
    error: { code: 'INVALID_LIMIT', message: expect.any(String), hint: expect.any(String) },
  });
});

test('what was refused did not disturb the container beside it', async () => {
  expect((await ctr(['exec', 'e2e-taken', 'echo', 'well'])).stdout).toBe('well\n');
});
