/**
 * Proration against the sum written down plainly: what a period grants is the whole part of (amount × milliseconds) of
 * every plan that ran in it, over the period's length.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accountOf,
  boundOf,
  chargeOf,
  EPOCH_MS,
  PERIOD_MS,
  planOf,
  reserveOf,
} from './fixtures/engine-fixture.ts';
import { createEngine } from './engine.ts';
import type { PlanPhase } from './types.ts';

const periodPlan = (amount: number, version: number) =>
  planOf([{ meter: 'requests', window: 'period', amount }], {}, version);

/** One course: the first plan's amount, what is used of it at once, then changes in the order of time. */
const courses = fc.record({
  first: fc.integer({ min: 1, max: 1_000_000 }),
  usedPermille: fc.integer({ min: 0, max: 1000 }),
  changes: fc.array(
    fc.record({
      offsetMs: fc.integer({ min: 1, max: PERIOD_MS - 1 }),
      amount: fc.integer({ min: 1, max: 1_000_000_000 }),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

describe('proration over several changes', () => {
  it('is exact to the unit, and never takes back what is used', () => {
    fc.assert(
      fc.property(courses, ({ first, usedPermille, changes }) => {
        const engine = createEngine();
        let present = periodPlan(first, 1);
        engine.loadAccount(accountOf(present));
        const used = BigInt(Math.floor((first * usedPermille) / 1000));
        const bound = boundOf({ requests: used === 0n ? 1n : used });
        engine.reserve(reserveOf('used', { bound }), EPOCH_MS);
        if (used === 0n) engine.void({ holdId: 'used', reason: 'not_dispatched' }, EPOCH_MS);
        else engine.settle({ holdId: 'used', charges: [chargeOf({})] }, EPOCH_MS);

        let sum = 0n;
        let fromMs = 0;
        let amount = first;
        const phases: PlanPhase[] = [];
        const inOrder = changes.toSorted((one, other) => one.offsetMs - other.offsetMs);
        inOrder.forEach((change, index) => {
          sum += BigInt(amount) * BigInt(change.offsetMs - fromMs);
          ({ amount, offsetMs: fromMs } = change);
          phases.push({ plan: present, untilMs: EPOCH_MS + change.offsetMs });
          present = periodPlan(change.amount, index + 2);
          const account = accountOf(present, { phases: [...phases] });
          engine.changePlan(account, EPOCH_MS + change.offsetMs, `sub_1.${index}`);

          const left = BigInt(amount) * BigInt(PERIOD_MS - fromMs);
          const granted = (sum + left) / BigInt(PERIOD_MS);
          const [bucket] = engine.buckets();
          if (bucket === undefined) throw new Error('nothing was granted');
          const worth = bucket.granted - bucket.expired;
          expect(worth).toBe(granted > bucket.spent ? granted : bucket.spent);
        });
      }),
      { numRuns: 300 },
    );
  });
});
