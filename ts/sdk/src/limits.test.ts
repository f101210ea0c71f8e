import { expect, test } from 'vitest';
import { CtrError } from './errors.ts';
import { checkMemory, cpuBandwidth, parseCpus, parsePids, parseSize } from './limits.ts';

test.each([
  ['1', 1],
  ['268435456', 268435456],
  ['256m', 256 * 1024 ** 2],
  ['256M', 256 * 1024 ** 2],
  ['1g', 1024 ** 3],
  ['1.5g', 1.5 * 1024 ** 3],
  ['64k', 65536],
  ['2GiB', 2 * 1024 ** 3],
  ['10mb', 10 * 1024 ** 2],
  ['512b', 512],
])('the size %s is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', 'm', '-1m', '1x', '1.2.3m', '1e3', '0x10', '9999999999t', '1 m m'])(
  'the size %j is refused',
  (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'INVALID_LIMIT' }));
  },
);

test.each([
  ['0.2', 20_000],
  ['0.01', 1_000],
  ['1', 100_000],
  ['1.5', 150_000],
  ['64', 6_400_000],
])('%s cpus are %d of every 100000 microseconds', (text, quotaUs) => {
  expect(cpuBandwidth(parseCpus(text))).toEqual({ quotaUs, periodUs: 100_000 });
});

test.each(['0', '0.001', '-1', 'all', '1,5', '', 'NaN', '1e9'])('%j cpus are refused', (text) => {
  expect(() => parseCpus(text)).toThrow(expect.objectContaining({ code: 'INVALID_LIMIT' }));
});

test.each(['0', '-2', '1.5', 'many', '99999999'])('the pids limit %j is refused', (text) => {
  expect(() => parsePids(text)).toThrow(expect.objectContaining({ code: 'INVALID_LIMIT' }));
});

test('a pids limit of -1 is no limit', () => {
  expect(parsePids('-1')).toBe(-1);
});

test('a memory limit below 6 MiB is refused with what is possible', () => {
  expect(() => checkMemory(1024)).toThrow(CtrError);
  expect(() => checkMemory(1024)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('6m') }),
  );
});
