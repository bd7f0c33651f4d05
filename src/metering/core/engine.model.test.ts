/**
 * Model-based test: random command lists against the engine, every invariant after every command, shrunk on failure.
 * The model is deliberately plain: what each hold reserved and what each settlement booked, summed anew every time.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { action } from './fixtures/model/actions.ts';
import { CALENDAR_NAMES } from './fixtures/model/calendars.ts';
import { KEPT_CASES } from './fixtures/model/kept-cases.ts';
import { play } from './fixtures/model/play.ts';
import { Tally } from './fixtures/model/world.ts';

/** `npm run prove` asks for more, and for a seed that it can state. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 40);
const SEED = process.env['MODEL_SEED'];

const plays = fc.record({
  calendar: fc.constantFrom(...CALENDAR_NAMES),
  actions: fc.array(action, { minLength: 1, maxLength: 80, size: 'max' }),
});

describe('the engine against its model', () => {
  it.each(KEPT_CASES)('once found: $bug', (kept) => {
    const tally = new Tally();
    play(kept, tally);
    expect(tally.operations).toBeGreaterThan(0);
  });

  it('keeps I1 held+spent+expired+leased ≤ granted, I2–I5, I7–I12 and undo over 1,000 commands and more', () => {
    const tally = new Tally();
    fc.assert(
      fc.property(plays, (one) => play(one, tally)),
      { numRuns: 60, seed: 20_261_115 },
    );
    expect(tally.operations).toBeGreaterThan(1_000);
    // Every limit code was met, so the lists do reach the limits; and the clock does go over months and clock changes.
    expect([...tally.refusals.keys()].toSorted()).toEqual([
      'concurrency_limited',
      'insufficient_funds',
      'limit_exceeded',
      'limit_held',
      'rate_limited',
    ]);
    expect(tally.laterPeriods).toBeGreaterThan(100);
    expect(tally.clockChanges).toBeGreaterThan(10);
  }, 120_000);

  it(
    `keeps them over ${RUNS} lists that no run has seen before`,
    () => {
      const tally = new Tally();
      fc.assert(
        fc.property(plays, (one) => play(one, tally)),
        { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
      );
      expect(tally.operations).toBeGreaterThan(RUNS);
      if (process.env['MODEL_RUNS'] !== undefined) {
        process.stderr.write(`model: ${RUNS} lists, ${tally.operations} commands\n`);
      }
    },
    30_000 + RUNS * 2000,
  );
});
