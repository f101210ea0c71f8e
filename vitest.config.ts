import { defineConfig } from 'vitest/config';

import { suites } from './ts/dev/src/suites.ts';

export default defineConfig({
  test: {
    reporters: process.env.CTR_TS_TALLY ? ['default', './ts/dev/src/vitest/tally.ts'] : ['default'],
    teardownTimeout: 30_000,
    projects: suites.map((suite) => ({
      test: {
        name: suite.name,
        include: [suite.folder === 'ts' ? 'ts/*/src/**/*.test.ts' : `${suite.folder}/**/*.test.ts`],
        // What is in `inside` runs in a machine that another test boots.
        exclude: ['**/node_modules/**', '**/dist/**', 'tests/vm/inside/**'],
        pool: 'forks' as const,
        fileParallelism: suite.order === 'parallel',
        testTimeout: suite.testTimeoutMs,
        hookTimeout: suite.testTimeoutMs * 2,
        globalSetup: suite.order === 'serial' ? ['./ts/dev/src/vitest/published-folder.ts'] : [],
      },
    })),
  },
});
