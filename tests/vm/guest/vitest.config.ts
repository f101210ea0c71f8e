/** vitest inside of the machine: any test file of the repository, one after the other. */
import { defineConfig } from 'vitest/config';

import { LineReporter } from './reporter.ts';

export default defineConfig({
  root: '/repository',
  // node_modules is on a disk that cannot be written.
  cacheDir: '/tmp/vite',
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    reporters: [new LineReporter(), 'default'],
    pool: 'forks',
    fileParallelism: false,
    // One worker for all files: to start one takes seconds.
    isolate: false,
    // Node runs TypeScript itself, and every file is read once.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    fsModuleCache: false,
    // An emulated processor is an order of magnitude slower.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 10_000,
  },
});
