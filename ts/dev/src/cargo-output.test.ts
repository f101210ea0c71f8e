import { expect, test } from 'vitest';

import { tallyOfCargo } from './cargo-output.ts';

const twoBinaries = `
     Running unittests src/lib.rs (target/debug/deps/ctr_spec-1)

running 3 tests
test a ... ok
test b ... ignored, needs a newer kernel
test c ... ok

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests ctr_spec

running 1 test
test crates/spec/src/lib.rs - (line 3) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
`;

test('the result lines of all binaries are added up', () => {
  expect(tallyOfCargo(twoBinaries, 0)).toEqual({
    passed: 3,
    failed: 0,
    skipped: [{ name: 'b', reason: 'needs a newer kernel' }],
    problems: [],
  });
});

test('a binary that prints no result line is one test when cargo is content', () => {
  const output = `${twoBinaries}     Running tests/clone.rs (target/debug/deps/clone-1)\nall well\n`;
  expect(tallyOfCargo(output, 0)).toMatchObject({ passed: 4, failed: 0, problems: [] });
});

test('a binary that crashes is a problem, although no test failed', () => {
  const output = `${twoBinaries}     Running tests/clone.rs (target/debug/deps/clone-1)\nrunning 4 tests\n`;
  const tally = tallyOfCargo(output, 101);
  expect(tally.failed).toBe(0);
  expect(tally.problems).toEqual([expect.stringContaining('tests/clone.rs')]);
});

test('a compile error is a problem', () => {
  expect(tallyOfCargo('error: could not compile `ctr-sys`', 101).problems).toHaveLength(1);
});

test('a failed test is counted once', () => {
  const output = `     Running unittests src/lib.rs (x)
test a ... FAILED
test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
`;
  expect(tallyOfCargo(output, 101)).toMatchObject({ passed: 0, failed: 1, problems: [] });
});
