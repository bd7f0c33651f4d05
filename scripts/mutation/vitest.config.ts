import { defineConfig } from 'vitest/config';

/** The tests that guard the mutated modules; each mutant is met by those of them that reach it. */
export default defineConfig({
  test: {
    include: ['src/metering/core/**/*.test.ts', 'src/catalog/*.test.ts', 'src/contracts/*.test.ts'],
    exclude: ['src/catalog/price-book-drift.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    // The same lists at every run, so that a score can be told again.
    env: { MODEL_RUNS: '20', MODEL_SEED: '4711' },
  },
});
