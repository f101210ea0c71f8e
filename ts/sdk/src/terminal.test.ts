import { expect, test } from 'vitest';
import type { SpecProcess } from './oci.ts';
import type { ProcessOptions } from './options.ts';
import { terminalSize, withTerminal } from './terminal.ts';
import { validateProcess } from './validate.ts';

const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] };
const plain: SpecProcess = {
  cwd: '/',
  env: ['PATH=/bin'],
  args: ['sh'],
  user: { uid: 0, gid: 0 },
  capabilities: none,
  noNewPrivileges: false,
};

test('a terminal is asked for by true or by its size', () => {
  expect(terminalSize(undefined)).toBeUndefined();
  expect(terminalSize(false)).toBeUndefined();
  expect(terminalSize(true)).toEqual({ columns: 80, rows: 24 });
  expect(terminalSize({ columns: 120, rows: 40 })).toEqual({ columns: 120, rows: 40 });
});

test('a process with a terminal knows its size and that it speaks xterm', () => {
  expect(withTerminal(plain, { columns: 120, rows: 40 })).toMatchObject({
    terminal: true,
    consoleSize: { width: 120, height: 40 },
    env: ['PATH=/bin', 'TERM=xterm'],
  });
});

test('a TERM that image or caller set stays', () => {
  const own = { ...plain, env: ['TERM=screen'] };
  expect(withTerminal(own, { columns: 80, rows: 24 }).env).toEqual(['TERM=screen']);
});

test('without a terminal nothing of an earlier one is left', () => {
  const before = withTerminal(plain, { columns: 80, rows: 24 });
  expect(withTerminal({ ...before, env: plain.env }, undefined)).toEqual(plain);
});

test.each<[ProcessOptions, string]>([
  [{ terminal: true, stdio: 'inherit' }, 'terminal and stdio cannot be combined'],
  [{ terminal: { columns: 0, rows: 24 } }, 'invalid terminal size 0x24'],
  [{ terminal: { columns: 80, rows: 65_536 } }, 'invalid terminal size 80x65536'],
  [{ terminal: { columns: 80.5, rows: 24 } }, 'invalid terminal size 80.5x24'],
])('%j is refused', (options, message) => {
  expect(() => validateProcess(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message }),
  );
});
