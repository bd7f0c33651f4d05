import { defineConfig } from 'vitest/config';

/** The tests that guard the mutated modules; each mutant is met by those of them that reach it. */
export default defineConfig({
  test: {
    include: ['src/metering/core/**/*.test.ts', 'src/catalog/*.test.ts', 'src/contracts/*.test.ts'],
    exclude: ['src/catalog/price-book-drift.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    env: { MODEL_RUNS: '25' },
  },
});
