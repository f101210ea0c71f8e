/** The test folders, their budgets, and how vitest runs each. */

export interface Suite {
  name: string;
  /** Where its files are; a suite without files is passed over. */
  folder: string;
  /** A run that takes longer is killed and has failed. */
  minutes: number;
  /** `parallel`: files at once. `serial`: one file after the other, for tests that look at the whole machine. */
  order: 'parallel' | 'serial';
  /** A script that makes what is kept between runs; its time is not the suite's. */
  prepare?: readonly string[];
  /** Limit of one test. */
  testTimeoutMs: number;
}

/** Minutes for `cargo test` once it is compiled. */
export const cargoMinutes = 4;

/** Together with `cargoMinutes` at most 30. */
export const suites: readonly Suite[] = [
  { name: 'ts', folder: 'ts', minutes: 4, order: 'parallel', testTimeoutMs: 20_000 },
  { name: 'e2e', folder: 'tests/e2e', minutes: 12, order: 'serial', testTimeoutMs: 60_000 },
  {
    name: 'conformance',
    folder: 'tests/conformance',
    minutes: 1,
    order: 'serial',
    testTimeoutMs: 60_000,
  },
  {
    name: 'security',
    folder: 'tests/security',
    minutes: 1,
    order: 'serial',
    testTimeoutMs: 60_000,
  },
  {
    name: 'vm',
    folder: 'tests/vm',
    minutes: 6,
    order: 'serial',
    prepare: ['tests/vm/main.ts', '--prepare'],
    testTimeoutMs: 60_000,
  },
  { name: 'bench', folder: 'tests/bench', minutes: 2, order: 'serial', testTimeoutMs: 90_000 },
];
