import { describe, expect, it } from 'vitest';
import type { CallResult } from './chat-caller.ts';
import type { BookedAttempt, HoldStory } from './ledger-story.ts';
import { reckon, type Evidence, type ProviderCall } from './reckoning.ts';

const RATES = { m: { input: 1_000_000n, output: 2_000_000n } };
const ATTEMPT: BookedAttempt = {
  provider: 'openai',
  modelRequested: 'm',
  providerRequestId: 'call-1',
  outcome: 'succeeded',
  billable: 'yes',
  usage: { input_text_tokens: 10, output_text_tokens: 5 },
  estimated: false,
  costNanoUsd: '20',
};
const STORY: HoldStory = {
  holdId: 'hold-1',
  tag: 'a',
  requestId: 'req-1',
  heldAtMs: 100,
  endings: ['settle'],
  wasUnknown: false,
  attempts: [ATTEMPT],
  costNanoUsd: 20n,
  creditNanoUsd: 0n,
  isLeg: false,
  adjustments: 0,
};
const CALL: ProviderCall = {
  id: 'call-1',
  tag: 'a',
  model: 'm',
  startedAtMs: 100,
  billed: { inputTokens: 10, outputTokens: 5 },
};
const RESULT: CallResult = {
  tag: 'a',
  end: 'whole',
  status: 200,
  code: null,
  headers: {},
  inputTokens: 10,
  outputTokens: 5,
  cost: '0.000000020',
  replayed: false,
  digest: 'one',
};

function reckonWith(change: Partial<Omit<Evidence, 'rates'>>): ReturnType<typeof reckon> {
  const sound = { providerCalls: [CALL], results: [RESULT], stories: [STORY] };
  return reckon({ ...sound, ...change, rates: RATES });
}

describe('the reckoning', () => {
  it('finds nothing wrong with books that agree', () => {
    expect(reckonWith({})).toMatchObject({
      wholeAnswers: 1,
      exact: 1,
      lost: [],
      doubled: [],
      settled: 1,
      unexplained: [],
      beforeHold: [],
      open: [],
      bookedTokens: 15,
      billedTokens: 15,
      bookedNanoUsd: 20n,
      recomputedNanoUsd: 20n,
    });
  });

  it('calls an answer lost that has no hold, no settlement, or another one than was billed', () => {
    const lostOf = (change: Partial<HoldStory>): readonly string[] =>
      reckonWith({ stories: [{ ...STORY, ...change }] }).lost;
    const attemptWith = (change: Partial<BookedAttempt>) => ({
      attempts: [{ ...ATTEMPT, ...change }],
    });
    expect(reckonWith({ stories: [] }).lost).toEqual(['a: no hold']);
    expect(lostOf({ endings: [] })).toEqual(['a: ended by nothing']);
    expect(lostOf({ endings: ['reconcile'] })).toEqual(['a: ended by reconcile']);
    expect(lostOf({ endings: ['void'] })).toEqual(['a: ended by void']);
    expect(lostOf({ attempts: [] })).toEqual(['a: no attempt that succeeded']);
    expect(lostOf(attemptWith({ usage: { input_text_tokens: 10 } }))).toEqual([
      'a: booked 10+0, billed 10+5',
    ]);
    expect(lostOf(attemptWith({ costNanoUsd: '21' }))).toEqual(['a: booked at another cost']);
    expect(lostOf(attemptWith({ providerRequestId: 'call-9' }))).toEqual([
      'a: the provider does not know the answer',
    ]);
    expect(lostOf({ costNanoUsd: 40n })).toEqual(['a: told 20, booked 40']);
    const told = reckonWith({ results: [{ ...RESULT, outputTokens: 6 }] });
    expect(told.lost).toEqual(['a: told 10+6, billed 10+5']);
  });

  it('sees a second hold, a second end and a correction', () => {
    const twice = reckonWith({ stories: [STORY, { ...STORY, holdId: 'hold-2' }] });
    expect(twice.doubled).toEqual(['a']);
    expect(twice.unexplained).toEqual(['a: call-1']);
    const ended = reckonWith({ stories: [{ ...STORY, endings: ['settle', 'reconcile'] }] });
    expect(ended.doubled).toEqual(['a']);
    expect(reckonWith({ stories: [{ ...STORY, adjustments: 1 }] }).doubled).toEqual(['a']);
  });

  it('sees provider calls that nothing explains, or that came before their hold', () => {
    const stray = { ...CALL, id: 'call-2', tag: 'b' };
    expect(reckonWith({ providerCalls: [CALL, stray] }).unexplained).toEqual(['b: call-2']);
    expect(reckonWith({ stories: [{ ...STORY, heldAtMs: 101 }] }).beforeHold).toEqual([
      'a: call-1',
    ]);
    const expired = reckonWith({ results: [], stories: [{ ...STORY, endings: ['expire'] }] });
    expect(expired.unexplained).toEqual(['a: ended by expire']);
    expect(reckonWith({ stories: [{ ...STORY, endings: [] }] }).open).toEqual(['a']);
  });

  it('counts what a kill cut off apart from the rest', () => {
    const cut = { ...STORY, endings: ['reconcile' as const], wasUnknown: true, costNanoUsd: 7n };
    const result = { ...RESULT, end: 'cut' as const };
    expect(reckonWith({ results: [result], stories: [cut] })).toMatchObject({
      wholeAnswers: 0,
      settled: 0,
      reconciled: 1,
      cutBilledTokens: 15,
      cutBilledNanoUsd: 20n,
      cutChargedNanoUsd: 7n,
      unexplained: [],
    });
  });

  it('sees refusals that left a trace', () => {
    const refused = { ...RESULT, end: 'error' as const, status: 429, code: 'limit_held' };
    expect(reckonWith({ results: [refused] }).leakedRefusals).toEqual(['a']);
    const clean = reckonWith({ results: [refused], stories: [], providerCalls: [] });
    expect(clean).toMatchObject({ refusals: 1, leakedRefusals: [] });
  });

  it('counts a call and its repetitions as one answer, and sees when they are not the same', () => {
    const again = { ...RESULT, replayed: true };
    expect(reckonWith({ results: [RESULT, again] })).toMatchObject({
      wholeAnswers: 1,
      exact: 1,
      repeated: 1,
      replayed: 1,
      differing: [],
      bookedNanoUsd: 20n,
    });
    const other = { ...again, digest: 'two' };
    expect(reckonWith({ results: [RESULT, other] }).differing).toEqual(['a']);
    const refused = { ...RESULT, end: 'error' as const, status: 429, code: 'limit_held' };
    expect(reckonWith({ results: [refused, RESULT] }).leakedRefusals).toEqual([]);
  });

  it('keeps what quotes hold apart from calls, and sees a leg that cost something or did not end', () => {
    const leg = { ...STORY, holdId: 'leg', isLeg: true, costNanoUsd: 0n };
    const legsOf = (change: Partial<HoldStory>) =>
      reckonWith({ stories: [STORY, { ...leg, ...change }] });
    expect(legsOf({ endings: ['void'] })).toMatchObject({
      doubled: [],
      legs: 1,
      legsFreed: 0,
      wrongLegs: [],
    });
    expect(legsOf({ endings: ['expire'], tag: 'b' })).toMatchObject({
      legsFreed: 1,
      wrongLegs: [],
    });
    expect(legsOf({ endings: ['void'], costNanoUsd: 1n }).wrongLegs).toEqual(['a: void']);
    expect(legsOf({ endings: ['settle'] }).wrongLegs).toEqual(['a: settle']);
    expect(legsOf({ endings: [] })).toMatchObject({ wrongLegs: ['a: '], open: ['a'] });
  });
});
