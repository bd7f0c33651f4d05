import { describe, expect, it } from 'vitest';
import { providerFailure, type ProviderFailureKind } from '../contracts/provider-failure.ts';
import { Cooldowns, clampCooldownMs, Quarantine } from './cooldown.ts';
import { attemptTimers, DEFAULT_TIMERS, requestDeadlineMs } from './deadline.ts';
import { billableOf, classOf, countsAsFault, type AttemptFailure } from './failure-class.ts';
import { RunningMedian } from './median.ts';
import { RetryBudget } from './retry-budget.ts';
import { SlidingCount } from './sliding-count.ts';
import { TargetHealth, type Target } from './target-health.ts';

const TARGET: Target = { id: 'openai/gpt-4o#1', credential: 'openai#1', provider: 'openai' };
const NO_EFFECTS = { coolMs: null, quarantine: null };

function provider(kind: ProviderFailureKind, status = 500): AttemptFailure {
  return { source: 'provider', failure: providerFailure({ kind, status, message: 'm' }) };
}

const timeout: AttemptFailure = {
  source: 'transport',
  failure: { kind: 'timeout', code: 'FIRST_EVENT', replyStarted: false },
};

describe('P5: retry budget', () => {
  it('grants ten repeats, or a tenth of the first attempts of the last 10 s', () => {
    const budget = new RetryBudget();
    expect(budget.left(0)).toBe(10);
    for (let count = 0; count < 500; count += 1) budget.noteFirstAttempt(count * 10);
    expect(budget.left(5000)).toBe(50);
    expect(budget.left(16_000)).toBe(10);
  });

  it('is spent by repeats, twice by timeouts, and refunded by success', () => {
    const budget = new RetryBudget();
    for (let count = 0; count < 9; count += 1) budget.spend(1, 0);
    expect(budget.mayRepeat(0)).toBe(true);
    budget.spend(2, 0);
    expect(budget.mayRepeat(0)).toBe(false);
    budget.refund(0);
    budget.refund(0);
    expect(budget.mayRepeat(0)).toBe(true);
    expect(budget.left(11_000)).toBe(10);
  });

  it('never grows by refunds of what was not spent', () => {
    const budget = new RetryBudget();
    budget.refund(0);
    expect(budget.left(0)).toBe(10);
  });

  it('F35: keeps calls within 1.1 per request when everything fails', () => {
    const budget = new RetryBudget();
    let calls = 0;
    const requests = 100 * 60;
    for (let index = 0; index < requests; index += 1) {
      const nowMs = index * 10;
      budget.noteFirstAttempt(nowMs);
      calls += 1;
      if (!budget.mayRepeat(nowMs)) continue;
      budget.spend(1, nowMs);
      calls += 1;
    }
    expect(calls / requests).toBeLessThanOrEqual(1.1);
  });
});

describe('P7: cool-down and quarantine', () => {
  it('clamps to [0.1 s, 1 h]', () => {
    expect([-1, 0, 99, 5000, 1e12, Number.NaN, Infinity].map((ms) => clampCooldownMs(ms))).toEqual([
      100, 100, 100, 5000, 3_600_000, 100, 3_600_000,
    ]);
  });

  it('keeps the longer of two pauses and lets go at its end', () => {
    const cooldowns = new Cooldowns();
    cooldowns.cool('t', 5000, 0);
    cooldowns.cool('t', 1000, 1000);
    expect(cooldowns.untilMs('t', 4999)).toBe(5000);
    expect(cooldowns.untilMs('t', 5000)).toBeNull();
    expect(cooldowns.untilMs('other', 0)).toBeNull();
  });

  it('lets one test through every five minutes, and goes when one passes', () => {
    const quarantine = new Quarantine();
    expect(quarantine.put('k', 'auth', 0)).toBe(true);
    expect(quarantine.reasonOf('k', 299_999)).toBe('auth');
    expect(quarantine.reasonOf('k', 300_000)).toBeNull();
    quarantine.claimTest('k', 300_000);
    expect(quarantine.reasonOf('k', 300_001)).toBe('auth');
    expect(quarantine.put('k', 'auth', 300_100)).toBe(false);
    quarantine.release('k');
    expect(quarantine.reasonOf('k', 300_200)).toBeNull();
    expect(quarantine.list()).toEqual([]);
  });
});

describe('P8: deadlines', () => {
  it('F110 C10: the smallest of header or client hint, and the route’s total', () => {
    const deadline = (requestedMs: number | null, clientHintMs: number | null) =>
      requestDeadlineMs({ totalMs: 600_000, requestedMs, clientHintMs });
    expect(deadline(null, null)).toBe(600_000);
    expect(deadline(5000, 600)).toBe(5000);
    expect(deadline(null, 700)).toBe(700);
    expect(deadline(9_000_000, null)).toBe(600_000);
  });

  it('B6: the first event has 30 s with another candidate, 120 s without, more for slow models', () => {
    const timers = (hasNextCandidate: boolean, firstEventP99Ms: number | null, remainingMs = 1e6) =>
      attemptTimers({ remainingMs, hasNextCandidate, firstEventP99Ms });
    expect(timers(true, null).firstEventMs).toBe(30_000);
    expect(timers(false, null).firstEventMs).toBe(120_000);
    expect(timers(true, 50_000).firstEventMs).toBe(150_000);
    expect(timers(true, 50_000, 40_000)).toEqual({
      connectMs: DEFAULT_TIMERS.connectMs,
      firstEventMs: 40_000,
      idleMs: 30_000,
      totalMs: 40_000,
    });
  });

  it('B7: configuration replaces a timer', () => {
    const timers = attemptTimers({
      remainingMs: 1e6,
      hasNextCandidate: true,
      firstEventP99Ms: null,
      timers: { firstEventMs: 10_000 },
    });
    expect(timers.firstEventMs).toBe(10_000);
  });
});

describe('P1: failure classes', () => {
  const facts = { work: 'text', contentSent: false } as const;

  it.each([
    [provider('rate_limited', 429), 'refused', 'no'],
    [provider('overloaded', 503), 'refused', 'no'],
    [provider('server_error', 500), 'refused', 'no'],
    [provider('server_error', 502), 'refused', 'no'],
    [provider('server_error', 504), 'ambiguous', 'unknown'],
    [provider('malformed_reply', 200), 'ambiguous', 'unknown'],
    [timeout, 'ambiguous', 'unknown'],
  ] as const)('%j', (failure, failureClass, billable) => {
    expect(classOf(failure, facts)).toBe(failureClass);
    expect(billableOf(failure, failureClass)).toBe(billable);
  });

  it('treats a failure with usage as work done, and bills it', () => {
    const blocked: AttemptFailure = {
      source: 'provider',
      failure: providerFailure({
        kind: 'content_filtered',
        status: 200,
        message: 'm',
        usage: { input_text_tokens: 5 },
      }),
    };
    expect(classOf(blocked, facts)).toBe('ambiguous');
    expect(billableOf(blocked, 'ambiguous')).toBe('yes');
  });

  it('P6: counts their faults only', () => {
    const kinds: ProviderFailureKind[] = ['overloaded', 'server_error', 'broken_stream'];
    for (const kind of kinds) expect(countsAsFault(provider(kind))).toBe(true);
    const innocent: ProviderFailureKind[] = ['rate_limited', 'auth', 'invalid_request'];
    for (const kind of innocent) expect(countsAsFault(provider(kind))).toBe(false);
    const cancelled = { kind: 'cancelled', code: 'X', replyStarted: false } as const;
    expect(countsAsFault({ source: 'transport', failure: cancelled })).toBe(false);
    expect(countsAsFault(timeout)).toBe(true);
  });
});

describe('TargetHealth', () => {
  const fail = (health: TargetHealth, failure: AttemptFailure, nowMs: number, effects = {}) => {
    health.begin(TARGET, 'first', nowMs);
    return health.failed(
      TARGET,
      { failure, effects: { ...NO_EFFECTS, ...effects }, random: 0.5 },
      nowMs,
    );
  };

  it('P6: opens, probes, and closes', () => {
    const health = new TargetHealth();
    for (let count = 0; count < 5; count += 1) fail(health, provider('server_error'), 0);
    expect(health.unavailable(TARGET, 100)).toEqual({
      type: 'open',
      provider: 'openai',
      probeAtMs: 5000,
    });
    expect(health.unavailable(TARGET, 5000)).toBeNull();
    health.begin(TARGET, 'first', 5000);
    expect(health.unavailable(TARGET, 5001)?.type).toBe('open');
    health.succeeded(TARGET, { kind: 'first', tookMs: 10 }, 5100);
    health.begin(TARGET, 'first', 5200);
    health.succeeded(TARGET, { kind: 'first', tookMs: 10 }, 5300);
    expect(health.snapshot(5300)).toEqual([{ target: TARGET.id, breaker: 'closed' }]);
  });

  it('P6: gives the probe back on a refusal or when the client leaves', () => {
    const health = new TargetHealth();
    for (let count = 0; count < 5; count += 1) fail(health, timeout, 0);
    fail(health, provider('invalid_request', 400), 5000);
    expect(health.unavailable(TARGET, 5001)).toBeNull();
    health.begin(TARGET, 'first', 5001);
    health.abandoned(TARGET);
    expect(health.unavailable(TARGET, 5002)).toBeNull();
  });

  it('P7: cools and quarantines, alerting once', () => {
    const health = new TargetHealth();
    fail(health, provider('rate_limited', 429), 0, { coolMs: 7000 });
    expect(health.unavailable(TARGET, 6999)).toMatchObject({ type: 'cooled', untilMs: 7000 });
    const refused = provider('auth', 401);
    expect(fail(health, refused, 8000, { quarantine: 'auth' }).newlyQuarantined).toBe('auth');
    expect(fail(health, refused, 8001, { quarantine: 'auth' }).newlyQuarantined).toBeNull();
    const sibling = { ...TARGET, id: 'openai/other#1' };
    expect(health.unavailable(sibling, 8002)).toMatchObject({
      type: 'quarantined',
      reason: 'auth',
    });
    expect(health.unavailable({ ...TARGET, credential: 'openai#2' }, 8002)).toBeNull();
    health.succeeded(TARGET, { kind: 'first', tookMs: 1 }, 400_000);
    expect(health.quarantined()).toEqual([]);
  });

  it('P5: spends the budget on repeats and timeouts', () => {
    const health = new TargetHealth();
    for (let count = 0; count < 5; count += 1) {
      fail(health, timeout, 0);
      health.succeeded(TARGET, { kind: 'first', tookMs: 1 }, 0);
    }
    expect(health.view(TARGET, 0).mayRepeat).toBe(false);
    expect(health.view({ ...TARGET, id: 'x' }, 0).mayRepeat).toBe(true);
  });

  it('P8: learns the usual time', () => {
    const health = new TargetHealth();
    for (const tookMs of [5, 1, 9, 7]) health.succeeded(TARGET, { kind: 'first', tookMs }, 0);
    expect(health.view(TARGET, 0).p50Ms).toBeNull();
    health.succeeded(TARGET, { kind: 'first', tookMs: 3 }, 0);
    expect(health.view(TARGET, 0).p50Ms).toBe(5);
  });

  it('stays bounded under callers who name many models', () => {
    const health = new TargetHealth();
    for (let count = 0; count < 5000; count += 1) {
      health.begin({ ...TARGET, id: `openai/m${count}` }, 'first', 0);
    }
    expect(health.snapshot(0).length).toBe(4096);
  });
});

describe('parts', () => {
  it('a sliding count drops what is older than its window, whatever the gaps', () => {
    const count = new SlidingCount(3);
    count.add(1, 0);
    count.add(2, 1500);
    expect(count.total(2999)).toBe(3);
    expect(count.total(3000)).toBe(2);
    count.add(4, 2000);
    expect(count.total(3999)).toBe(6);
    expect(count.total(1e9)).toBe(0);
  });

  it('a median follows the latest 32 values', () => {
    const median = new RunningMedian();
    for (let count = 0; count < 40; count += 1) median.add(1000);
    for (let count = 0; count < 32; count += 1) median.add(2);
    expect(median.value()).toBe(2);
  });
});
