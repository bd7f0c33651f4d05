import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  providerFailure,
  type ProviderFailure,
  type ProviderFailureKind,
} from '../contracts/provider-failure.ts';
import { classOf, type AttemptFailure, type TransportFacts, type Work } from './failure-class.ts';
import type { FailedAttempt } from './final-error.ts';
import {
  decideNext,
  MAX_ATTEMPTS,
  type RetryCandidate,
  type RetryDecision,
  type RetryInput,
} from './retry-policy.ts';

const STATUS: Record<ProviderFailureKind, number> = {
  rate_limited: 429,
  quota_exhausted: 429,
  overloaded: 503,
  server_error: 500,
  auth: 401,
  credit: 402,
  invalid_request: 400,
  context_length: 400,
  content_filtered: 400,
  model_not_found: 404,
  malformed_reply: 200,
  broken_stream: 200,
};

function provider(kind: ProviderFailureKind, more: Partial<ProviderFailure> = {}): AttemptFailure {
  return {
    source: 'provider',
    failure: providerFailure({ kind, status: STATUS[kind], message: `it is ${kind}`, ...more }),
  };
}

function transport(kind: TransportFacts['kind'], code = 'X', replyStarted = false): AttemptFailure {
  return { source: 'transport', failure: { kind, code, replyStarted } };
}

function candidate(more: Partial<RetryCandidate> = {}): RetryCandidate {
  return {
    credential: 'c',
    contextWindow: null,
    available: true,
    p50Ms: null,
    mayRepeat: true,
    ...more,
  };
}

interface Setting extends Partial<Omit<RetryInput, 'attempts'>> {
  readonly contentSent?: boolean;
}

/** Decides after the failures, each `[candidate, failure]`. */
function decide(
  failures: readonly (readonly [number, AttemptFailure])[],
  setting: Setting = {},
): RetryDecision {
  const { contentSent = false, work = 'text', ...rest } = setting;
  const attempts = failures.map(([place, failure], index): FailedAttempt => {
    const isLatest = index === failures.length - 1;
    return {
      candidate: place,
      provider: `p${place}`,
      failure,
      failureClass: classOf(failure, { work, contentSent: contentSent && isLatest }),
    };
  });
  return decideNext({
    candidates: [candidate({ credential: 'a' }), candidate({ credential: 'b' })],
    deadlineMs: 600_000,
    remainingMs: 590_000,
    billsFailedWork: false,
    failoverOnContentFilter: false,
    random: () => 0.5,
    work,
    ...rest,
    attempts,
  });
}

const ALONE = { candidates: [candidate()] };

describe('P2.1: server faults and resets', () => {
  it.each([
    ['500', provider('server_error')],
    ['502', provider('server_error', { status: 502 })],
    ['503', provider('overloaded')],
    ['504', provider('server_error', { status: 504 })],
    ['529', provider('overloaded', { status: 529 })],
    ['reset', transport('reset', 'ECONNRESET')],
  ])('B3 B5: %s is repeated once in place after a full-jitter wait', (_name, failure) => {
    expect(decide([[0, failure]])).toMatchObject({ type: 'repeat', delayMs: 125 });
    expect(decide([[0, failure]], { random: () => 0.999 })).toMatchObject({ delayMs: 249 });
  });

  it('B4 B16: goes on to the fallback after the second, and stops without one', () => {
    const down = provider('overloaded');
    expect(
      decide([
        [0, down],
        [0, down],
      ]),
    ).toMatchObject({ type: 'next', candidate: 1 });
    const alone = decide(
      [
        [0, down],
        [0, down],
      ],
      ALONE,
    );
    expect(alone).toMatchObject({ type: 'stop', error: { code: 'provider_error', status: 502 } });
  });

  it('sits out a short named wait and moves on from a long one', () => {
    const short = decide([[0, provider('overloaded', { waitMs: 1500 })]]);
    expect(short).toEqual({
      type: 'repeat',
      delayMs: 1575,
      effects: { coolMs: null, quarantine: null },
    });
    const long = provider('overloaded', { waitMs: 30_000 });
    expect(decide([[0, long]])).toMatchObject({ type: 'next', candidate: 1 });
    expect(decide([[0, long]], ALONE)).toMatchObject({
      type: 'stop',
      error: { code: 'provider_error', retryAfterMs: 30_000, overloaded: true },
    });
  });

  it('F7 F8: a reply that broke off after its headers leads to the next candidate', () => {
    expect(decide([[0, transport('reset', 'ECONNRESET', true)]])).toMatchObject({
      type: 'next',
      candidate: 1,
    });
  });
});

describe('P2.2: rate limits', () => {
  it('B1: a named wait of 2 s is sat out in place, never cut short', () => {
    for (const random of [0, 0.5, 0.999]) {
      const decision = decide([[0, provider('rate_limited', { waitMs: 2000 })]], {
        random: () => random,
      });
      expect(decision.type).toBe('repeat');
      if (decision.type !== 'repeat') continue;
      expect(decision.delayMs).toBeGreaterThanOrEqual(2000);
      expect(decision.delayMs).toBeLessThanOrEqual(2200);
      expect(decision.effects.coolMs).toBeNull();
    }
  });

  it('F32: a wait of nothing or less makes no tight loop', () => {
    for (const waitMs of [0, -7000]) {
      expect(decide([[0, provider('rate_limited', { waitMs })]])).toMatchObject({
        type: 'repeat',
        delayMs: 105,
      });
    }
  });

  it('B2: without a wait it is repeated once after about 500 ms, then cooled for 1 s', () => {
    const limited = provider('rate_limited');
    expect(decide([[0, limited]], { random: () => 0 })).toMatchObject({ delayMs: 250 });
    expect(decide([[0, limited]], { random: () => 0.999 })).toMatchObject({ delayMs: 750 });
    expect(
      decide([
        [0, limited],
        [0, limited],
      ]),
    ).toEqual({
      type: 'next',
      candidate: 1,
      effects: { coolMs: 1000, quarantine: null },
    });
  });

  it.each([
    ['longer than 3 s', 3001, 600_000],
    ['more than a tenth of the deadline', 2000, 19_999],
  ])('a wait %s cools the target and leads to the next', (_name, waitMs, deadlineMs) => {
    const limited = provider('rate_limited', { waitMs });
    const decision = decide([[0, limited]], { deadlineMs, remainingMs: deadlineMs });
    expect(decision).toEqual({
      type: 'next',
      candidate: 1,
      effects: { coolMs: waitMs, quarantine: null },
    });
  });

  it.each([
    [-5, 100],
    [10, 100],
    [7000, 7000],
    [1e12, 3_600_000],
  ])('F32 P7: cools for a wait of %d ms clamped to %d ms', (waitMs, coolMs) => {
    const limited = provider('rate_limited', { waitMs });
    expect(
      decide([
        [0, limited],
        [0, limited],
      ]).effects.coolMs,
    ).toBe(coolMs);
  });

  it('P7: a used-up quota cools at once, until its reset or for an hour', () => {
    expect(decide([[0, provider('quota_exhausted')]])).toEqual({
      type: 'next',
      candidate: 1,
      effects: { coolMs: 3_600_000, quarantine: null },
    });
    const named = provider('quota_exhausted', { waitMs: 40_000_000 });
    expect(decide([[0, named]]).effects.coolMs).toBe(40_000_000);
  });
});

describe('P2.3: timeouts and unreadable answers', () => {
  it.each([
    ['B6 F12 first event', transport('timeout', 'FIRST_EVENT')],
    ['F4 connect timeout', transport('not_sent', 'CONNECT_TIMEOUT')],
    ['F1 refused', transport('not_sent', 'ECONNREFUSED')],
    ['F2 DNS', transport('not_sent', 'ENOTFOUND')],
    ['F3 TLS', transport('not_sent', 'CERT_HAS_EXPIRED')],
    ['F15 malformed', provider('malformed_reply')],
    ['F10 F16 broken before content', provider('broken_stream')],
    ['F22 undecodable', transport('undecodable', 'Z_DATA_ERROR', true)],
  ])('%s: the next candidate, never in place', (_name, failure) => {
    expect(decide([[0, failure]])).toMatchObject({ type: 'next', candidate: 1 });
    expect(decide([[0, failure]], ALONE).type).toBe('stop');
  });

  it('F6: a stale pooled socket is repeated at once, one time', () => {
    const stale = transport('not_sent', 'CLOSED_BY_PEER');
    expect(decide([[0, stale]])).toMatchObject({ type: 'repeat', delayMs: 0 });
    expect(
      decide([
        [0, stale],
        [0, stale],
      ]),
    ).toMatchObject({ type: 'next', candidate: 1 });
  });

  it('F20: a reply beyond the cap stops', () => {
    expect(decide([[0, transport('too_large')]])).toMatchObject({
      type: 'stop',
      error: { code: 'provider_error' },
    });
  });
});

describe('P2.4: refusals of the request or of our credential', () => {
  it('B12: context length goes to a larger context only, never to the same model', () => {
    const tooLong = provider('context_length');
    const windows = (...sizes: (number | null)[]) => ({
      candidates: sizes.map((contextWindow) => candidate({ contextWindow })),
    });
    expect(decide([[0, tooLong]], windows(8000, 8000, 32_000))).toMatchObject({
      type: 'next',
      candidate: 2,
    });
    const none = decide([[0, tooLong]], windows(32_000, 8000, null));
    expect(none).toMatchObject({ type: 'stop', error: { code: 'context_length_exceeded' } });
    if (none.type === 'stop') expect(none.error.status).toBe(400);
  });

  it('B13: content refused stops, or fails over where that is switched on', () => {
    const filtered = provider('content_filtered');
    expect(decide([[0, filtered]])).toMatchObject({
      type: 'stop',
      error: { code: 'content_filtered', status: 422 },
    });
    expect(decide([[0, filtered]], { failoverOnContentFilter: true })).toMatchObject({
      type: 'next',
    });
  });

  it.each(['auth', 'credit'] as const)(
    'F33 F37: %s quarantines and skips the same credential',
    (kind) => {
      const refused = provider(kind);
      const candidates = ['a', 'a', 'b'].map((credential) => candidate({ credential }));
      expect(decide([[0, refused]], { candidates })).toEqual({
        type: 'next',
        candidate: 2,
        effects: { coolMs: null, quarantine: kind },
      });
      const alone = decide([[0, refused]], ALONE);
      expect(alone).toMatchObject({
        type: 'stop',
        error: { code: `provider_${kind}`, status: 502, shouldRetry: false },
        effects: { quarantine: kind },
      });
    },
  );

  it.each([
    ['invalid_request', 'invalid_request', 400],
    ['model_not_found', 'model_not_found', 404],
  ] as const)('%s stops, mapped', (kind, code, status) => {
    expect(decide([[0, provider(kind)]])).toMatchObject({ type: 'stop', error: { code, status } });
  });

  it('a cancelled attempt stops', () => {
    expect(decide([[0, transport('cancelled')]]).type).toBe('stop');
  });
});

describe('P1: classes and kinds of work', () => {
  const reset = transport('reset', 'ECONNRESET');
  const down = provider('server_error');
  const table: [Work, string, AttemptFailure, string][] = [
    ['text', 'ambiguous', reset, 'repeat'],
    ['media', 'ambiguous', reset, 'next'],
    ['submit', 'ambiguous', reset, 'stop'],
    ['poll', 'ambiguous', reset, 'repeat'],
    ['submit', 'unclear 500', down, 'stop'],
    ['media', 'unclear 500', down, 'next'],
    ['submit', 'clean 429', provider('rate_limited'), 'repeat'],
    ['submit', 'clean 503', provider('overloaded'), 'repeat'],
    ['submit', 'not sent', transport('not_sent', 'ECONNREFUSED'), 'next'],
    ['poll', 'not sent', transport('not_sent', 'ECONNREFUSED'), 'stop'],
  ];
  it.each(table)('F5 F103: %s, %s', (work, _name, failure, type) => {
    expect(decide([[0, failure]], { work }).type).toBe(type);
  });

  it('media that bill failed work stop when it is unclear', () => {
    expect(decide([[0, reset]], { work: 'media', billsFailedWork: true }).type).toBe('stop');
  });

  it('P4 B8 B9 B10: nothing repeats after content reached the client', () => {
    for (const failure of [reset, provider('broken_stream'), transport('timeout'), down]) {
      expect(decide([[0, failure]], { contentSent: true })).toMatchObject({
        type: 'stop',
        error: { code: 'stream_interrupted', status: 502, shouldRetry: false },
      });
    }
  });
});

describe('limits of the decision', () => {
  const down = provider('overloaded');

  it('P5: a spent retry budget forbids the repeat, not the fallback', () => {
    const spent = [candidate({ mayRepeat: false }), candidate({ mayRepeat: false })];
    expect(decide([[0, down]], { candidates: spent })).toMatchObject({
      type: 'next',
      candidate: 1,
    });
    expect(decide([[0, down]], { candidates: spent.slice(1) }).type).toBe('stop');
  });

  it('P8: a candidate that usually takes longer than what is left is not tried', () => {
    const slow = [
      candidate({ p50Ms: 5000 }),
      candidate({ p50Ms: 9000 }),
      candidate({ p50Ms: 900 }),
    ];
    expect(decide([[0, down]], { candidates: slow, remainingMs: 1000 })).toMatchObject({
      type: 'next',
      candidate: 2,
    });
    expect(decide([[0, down]], { remainingMs: 0 }).type).toBe('stop');
    expect(decide([[0, down]], { ...ALONE, remainingMs: 100 }).type).toBe('stop');
  });

  it('P6 P7: an unavailable candidate is passed over', () => {
    const candidates = [candidate(), candidate({ available: false }), candidate()];
    expect(decide([[0, provider('malformed_reply')]], { candidates })).toMatchObject({
      candidate: 2,
    });
  });

  it('P2: ends within three attempts over all candidates, whatever fails', () => {
    const kinds = Object.keys(STATUS) as ProviderFailureKind[];
    const failure = fc.oneof(
      fc
        .tuple(fc.constantFrom(...kinds), fc.option(fc.integer({ min: -10, max: 100_000 })))
        .map(([kind, waitMs]) => provider(kind, { waitMs })),
      fc
        .tuple(
          fc.constantFrom('not_sent', 'reset', 'timeout', 'too_large', 'undecodable' as const),
          fc.constantFrom('ECONNRESET', 'ECONNREFUSED', 'CONNECT_TIMEOUT'),
          fc.boolean(),
        )
        .map(([kind, code, started]) => transport(kind as TransportFacts['kind'], code, started)),
    );
    const list = fc.array(
      fc.record({
        credential: fc.constantFrom('a', 'b'),
        contextWindow: fc.option(fc.constantFrom(8000, 32_000)),
        available: fc.boolean(),
        p50Ms: fc.option(fc.integer({ min: 0, max: 60_000 })),
        mayRepeat: fc.boolean(),
      }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(
        fc.array(failure, { minLength: 6, maxLength: 6 }),
        list,
        fc.constantFrom<Work>('text', 'media', 'submit', 'poll'),
        fc.integer({ min: 0, max: 600_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, candidates, work, remainingMs, random) => {
          const made: [number, AttemptFailure][] = [];
          let place = 0;
          for (const each of failures) {
            made.push([place, each]);
            const decision = decide(made, { candidates, work, remainingMs, random: () => random });
            if (decision.type === 'stop') {
              expect(decision.error.status).toBeGreaterThanOrEqual(400);
              expect(decision.error.message.length).toBeGreaterThan(20);
              break;
            }
            if (decision.type === 'next') {
              expect(made.some(([used]) => used === decision.candidate)).toBe(false);
              expect(candidates[decision.candidate]?.available).toBe(true);
              place = decision.candidate;
            } else {
              expect(decision.delayMs).toBeGreaterThanOrEqual(0);
              expect(decision.delayMs).toBeLessThanOrEqual(3300);
              expect(decision.delayMs).toBeLessThanOrEqual(remainingMs);
            }
          }
          expect(made.length).toBeLessThanOrEqual(MAX_ATTEMPTS);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
