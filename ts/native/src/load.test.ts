import { expect, test } from 'vitest';
import { platformTriple } from './load.ts';

test('Linux on x64 and arm64 has a package', () => {
  expect(platformTriple('linux', 'x64')).toBe('linux-x64-gnu');
  expect(platformTriple('linux', 'arm64')).toBe('linux-arm64-gnu');
});

test.each([
  ['darwin', 'arm64'],
  ['win32', 'x64'],
  ['linux', 'riscv64'],
])('%s on %s is refused with what to do', (platform, arch) => {
  expect(() => platformTriple(platform, arch)).toThrow(
    expect.objectContaining({
      code: 'UNSUPPORTED_PLATFORM',
      hint: expect.stringContaining('virtual machine'),
    }),
  );
});
