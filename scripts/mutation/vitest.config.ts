import { defineConfig } from 'vitest/config';

/**
 * The tests that guard the mutated modules; each mutant is met by those of them that reach it. Without the model-based
 * test: it reaches everything and takes seconds, so that a score would take hours, and hide what no plain test states.
 */
export default defineConfig({
  test: {
    include: ['src/metering/core/**/*.test.ts', 'src/catalog/*.test.ts', 'src/contracts/*.test.ts'],
    exclude: ['src/catalog/price-book-drift.test.ts', 'src/metering/core/engine.model.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    // A worker for every file and mutant would be most of the time.
    isolate: false,
  },
});
