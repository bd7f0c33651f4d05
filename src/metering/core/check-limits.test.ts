import { describe, expect, it } from 'vitest';
import { isGatewayError } from '../../contracts/gateway-error.ts';
import { type LimitInput, WINDOW_PATTERN } from '../../contracts/metering.ts';
import { SEED_PLANS } from '../seed-plans.ts';
import { checkLimits, checkPlan } from './check-limits.ts';

const REQUESTS: LimitInput = { meter: 'requests', window: 'period', amount: 5 };
const FOLLOWED = ['hour', 'day', 'week', 'period'];
const UNFOLLOWED = ['lifetime', 'rolling:5h', 'minute', 'call', 'concurrent'];
const COUNTED = [...FOLLOWED, 'lifetime', 'rolling:5h'];

/** `<param>: <message>`, or null where nothing is refused. */
function refusalOf(limit: Partial<LimitInput>): string | null {
  try {
    checkLimits([REQUESTS, { ...REQUESTS, id: 'second', ...limit }]);
  } catch (error) {
    if (!isGatewayError(error) || error.code !== 'invalid_request') throw error;
    return `${error.param ?? ''}: ${error.message}`;
  }
  return null;
}

describe('members of a limit without effect', () => {
  it.each(UNFOLLOWED)('rollover_max on %s', (window) => {
    expect(WINDOW_PATTERN.test(window)).toBe(true);
    expect(refusalOf({ window, rollover_max: 3 })).toBe(
      `limits[1].rollover_max: limits[1].rollover_max has no effect on window "${window}", which no next one follows; leave it out, or count by hour, day, week or period.`,
    );
    expect(refusalOf({ window, rollover_max: 'disabled' })).toBeNull();
  });

  it.each(FOLLOWED)('are none where rollover_max stands on %s', (window) => {
    expect(refusalOf({ window, rollover_max: 3 })).toBeNull();
    expect(refusalOf({ window, rollover_max: 'unlimited' })).toBeNull();
  });

  it.each(['minute', 'call', 'concurrent'])('thresholds on %s', (window) => {
    expect(refusalOf({ window, thresholds: [80] })).toMatch(
      /^limits\[1\]\.thresholds: .*have no effect on window .*; leave them out, or count by another window\.$/,
    );
    expect(refusalOf({ window, thresholds: [] })).toBeNull();
  });

  it.each(COUNTED)('are none where thresholds stand on %s', (window) => {
    expect(refusalOf({ window, thresholds: [80] })).toBeNull();
  });

  it('what goes beyond a limit that lets nothing go beyond', () => {
    expect(refusalOf({ overage_cap: 3 })).toMatch(
      /^limits\[1\]\.overage_cap: .*with on_breach "deny"; set on_breach to "overage"/,
    );
    expect(refusalOf({ overage_cap: 3, on_breach: 'soft' })).toMatch(/with on_breach "soft"/);
    expect(refusalOf({ overage_cap: 'disabled', on_breach: 'overage' })).toMatch(
      /^limits\[1\]\.on_breach: .*give an amount, or say "deny"/,
    );
    for (const window of [...COUNTED, ...UNFOLLOWED]) {
      expect(refusalOf({ window, overage_cap: 3, on_breach: 'overage' })).toBeNull();
      expect(refusalOf({ window, on_breach: 'soft' })).toBeNull();
    }
  });

  it.each(['unlimited', 'disabled'] as const)('all of them on an amount that is %s', (amount) => {
    expect(refusalOf({ amount })).toBeNull();
    expect(refusalOf({ amount, on_breach: 'deny' })).toBeNull();
    expect(refusalOf({ amount, on_breach: 'soft' })).toMatch(/^limits\[1\]\.on_breach: /);
    expect(refusalOf({ amount, on_breach: 'overage', overage_cap: 3 })).toMatch(
      /^limits\[1\]\.on_breach: /,
    );
    expect(refusalOf({ amount, rollover_max: 3 })).toMatch(/^limits\[1\]\.rollover_max: /);
    expect(refusalOf({ amount, thresholds: [80] })).toMatch(/^limits\[1\]\.thresholds: /);
  });

  it('are in none of the plans that come with the gateway', () => {
    for (const plan of SEED_PLANS) expect(() => checkPlan(plan)).not.toThrow();
  });
});
