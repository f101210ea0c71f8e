import { expect, test } from 'vitest';
import { buildLimits, checkResources, isLimited, type Resources } from './resources.ts';
import { checkUlimits, rlimitsOf, ULIMIT_NAMES } from './ulimits.ts';

const MIB = 2 ** 20;

test('limits are written as the configuration has them, and nothing else', () => {
  expect(buildLimits({})).toEqual({});
  const limits = {
    ...{
      cpuPeriodUs: 50_000,
      cpuQuotaUs: 25_000,
      cpuShares: 512,
      cpusetCpus: '0-1',
      cpusetMems: '0',
    },
    ...{ memoryBytes: 64 * MIB, memorySwapBytes: -1, memoryReservationBytes: MIB, pidsLimit: 9 },
  };
  expect(() => checkResources(limits)).not.toThrow();
  expect(buildLimits(limits)).toEqual({
    cpu: { quota: 25_000, period: 50_000, shares: 512, cpus: '0-1', mems: '0' },
    memory: { limit: 64 * MIB, swap: -1, reservation: MIB },
    pids: { limit: 9 },
  });
});

test('a container is limited by what limits, and not by its absence', () => {
  expect(isLimited({})).toBe(false);
  expect(isLimited({ pidsLimit: -1, cpuQuotaUs: -1, memorySwapBytes: -1 })).toBe(false);
  for (const limits of [{ cpuShares: 2 }, { cpusetCpus: '0' }, { cgroupParent: '/x' }]) {
    expect(isLimited(limits)).toBe(true);
  }
});

test.each<[Resources, string]>([
  [{ cpuShares: 1 }, 'INVALID_LIMIT'],
  [{ cpuShares: 262_145 }, 'INVALID_LIMIT'],
  [{ cpuPeriodUs: 999 }, 'INVALID_LIMIT'],
  [{ cpuQuotaUs: 0 }, 'INVALID_LIMIT'],
  [{ cpus: 1, cpuPeriodUs: 5000 }, 'INVALID_LIMIT'],
  [{ cpusetCpus: '' }, 'INVALID_LIMIT'],
  [{ cpusetCpus: '3-1' }, 'INVALID_LIMIT'],
  [{ cpusetMems: '0,' }, 'INVALID_LIMIT'],
  [{ memorySwapBytes: 64 * MIB }, 'INVALID_LIMIT'],
  [{ memoryBytes: 64 * MIB, memorySwapBytes: 32 * MIB }, 'INVALID_LIMIT'],
  [{ memoryBytes: 32 * MIB, memoryReservationBytes: 64 * MIB }, 'INVALID_LIMIT'],
  [{ memoryReservationBytes: 0 }, 'INVALID_LIMIT'],
  [{ cgroupParent: '/' }, 'INVALID_ARGUMENT'],
  [{ cgroupParent: '/a/../../b' }, 'INVALID_ARGUMENT'],
])('%j is refused with %s', (limits, code) => {
  expect(() => checkResources(limits)).toThrow(expect.objectContaining({ code }));
});

test('ulimits become limits of the configuration', () => {
  const ulimits = { nofile: 64, core: { soft: 0, hard: -1 } };
  expect(() => checkUlimits(ulimits)).not.toThrow();
  expect(rlimitsOf(ulimits)).toEqual([
    { type: 'RLIMIT_NOFILE', soft: 64, hard: 64 },
    { type: 'RLIMIT_CORE', soft: 0, hard: -1 },
  ]);
  expect(ULIMIT_NAMES).toHaveLength(16);
});

test.each([
  { colour: 1 },
  { NOFILE: 1 },
  { nofile: 1.5 },
  { nofile: -2 },
  { nofile: { soft: 2, hard: 1 } },
  { nofile: { soft: -1, hard: 1 } },
])('ulimit %j is refused', (ulimits) => {
  expect(() => checkUlimits(ulimits)).toThrow(expect.objectContaining({ code: 'INVALID_LIMIT' }));
});
