import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METERS, OPERATIONS } from '../../contracts/metering.ts';
import { readHold } from '../../metering/core/hold-bodies.ts';
import { packAmounts } from '../../metering/core/meter-amounts.ts';
import type { JournalEntry, JsonValue, Posting } from '../../metering/core/types.ts';
import { amountAt, bodyText, packPosting, readBody, type StoredBody } from './event-body.ts';

const amount = fc.bigInt({ min: 0n, max: 2n ** 62n });
const amounts = fc.dictionary(fc.constantFrom(...METERS), amount).map(packAmounts);
const charges = fc.array(fc.tuple(fc.string(), amounts), { maxLength: 3 });
const count = fc.oneof(fc.nat(), fc.constant('9007199254740993'));

const holdBody = fc.record(
  {
    request: fc.constantFrom('req_1', 'req_2', 'a "b"'),
    key: fc.string(),
    operation: fc.constantFrom(...OPERATIONS),
    state: fc.constantFrom('held', 'dispatched'),
    expires_at: fc.option(fc.nat()),
    plan: fc.string(),
    plan_version: fc.nat(),
    price_book: fc.string(),
    fingerprint: fc.constantFrom('req_1', 'req_2', 'other'),
    tags: fc.option(fc.dictionary(fc.string(), fc.string())),
    requests: count,
    observed_floor: amounts,
    output_tokens: fc.option(fc.nat()),
    soft_breaches: fc.array(fc.string(), { maxLength: 2 }),
    covered: charges,
    token: fc.constant(['tok_1', '12', 5]),
    quote: fc.constant(['qt_1', 'op', 3]),
  },
  {
    requiredKeys: [
      'request',
      'key',
      'operation',
      'state',
      'expires_at',
      'plan',
      'plan_version',
      'price_book',
      'fingerprint',
      'tags',
      'requests',
      'observed_floor',
      'output_tokens',
      'soft_breaches',
      'covered',
    ],
  },
);

function entryOf(kind: JournalEntry['kind'], body: JournalEntry['body']): JournalEntry {
  const common = { eventId: `${kind}:h`, holdId: 'h', customerId: 'c', atMs: 1 };
  return { ...common, kind, body, postings: [], newBuckets: [] };
}

function stored(entry: JournalEntry, attempts: string | null = null): StoredBody {
  return JSON.parse(bodyText(entry, [], attempts)) as StoredBody;
}

function plain(value: JournalEntry['body']): JsonValue {
  return JSON.parse(JSON.stringify(value)) as JsonValue;
}

describe('the body of a stored event', () => {
  it('gives back what a hold says', () => {
    fc.assert(
      fc.property(holdBody, (body) => {
        const { b } = stored(entryOf('hold', body as JournalEntry['body']));
        expect(Array.isArray(b)).toBe(true);
        expect(plain(readBody('hold', b))).toEqual(plain(body as JournalEntry['body']));
      }),
    );
  });

  it('gives back what a settlement says, and its attempts', () => {
    fc.assert(
      fc.property(charges, count, (charged, overrun) => {
        const entry = entryOf('settle', { charges: charged, overrun });
        const { b, a } = stored(entry, '[["openai"]]');
        expect(plain(readBody('settle', b))).toEqual(plain({ charges: charged, overrun }));
        expect(a).toEqual([['openai']]);
      }),
    );
  });

  it('names what every other event says', () => {
    const { b, a } = stored(entryOf('void', { reason: 'used' }));
    expect(b).toEqual({ reason: 'used' });
    expect(readBody('void', b)).toEqual({ reason: 'used' });
    expect(a).toBeUndefined();
    for (const damaged of [undefined, null, 7]) expect(readBody('void', damaged)).toEqual({});
    expect(readBody('grant', [1])).toEqual({});
  });

  it('of version 1 is read as well', () => {
    const version1 = {
      request: 'req_1',
      key: 'key_1',
      operation: 'text.generate',
      state: 'dispatched',
      expires_at: null,
      plan: 'free',
      plan_version: 2,
      price_book: 'pb_1',
      fingerprint: 'req_1',
      tags: null,
      requests: '1',
      observed_floor: { input_tokens: '100', cost_usd: '9007199254740993' },
      output_tokens: null,
      soft_breaches: [],
      covered: [['a/b', { requests: '1', cost_usd: '7' }]],
    };
    const entry = entryOf('hold', readBody('hold', version1));
    const posting = { ...NONE, bucketId: 'b', dHeld: 7n };
    expect(readHold({ ...entry, postings: [posting] })).toMatchObject({
      requests: 1n,
      observedFloor: { input_tokens: 100n, cost_usd: 9007199254740993n },
      covered: [{ model: 'a/b', amounts: { requests: 1n, cost_usd: 7n } }],
      legs: [{ bucketId: 'b', amount: 7n }],
    });
  });
});

const NONE: Posting = {
  bucketId: '',
  dGranted: 0n,
  dHeld: 0n,
  dSpent: 0n,
  dOverrun: 0n,
  dExpired: 0n,
  dLeased: 0n,
};

describe('a stored posting', () => {
  it('has every amount to the unit, and no zeros at its end', () => {
    const change = fc.oneof(
      fc.constant(0n),
      fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
      fc.constantFrom(9_007_199_254_740_991n, 9_007_199_254_740_992n, -9_007_199_254_740_993n),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 6, maxLength: 6 }), (list) => {
        const [dGranted = 0n, dHeld = 0n, dSpent = 0n, dOverrun = 0n, dExpired = 0n, dLeased = 0n] =
          list;
        const posting = { bucketId: '', dGranted, dHeld, dSpent, dOverrun, dExpired, dLeased };
        const text = bodyText(entryOf('void', {}), [packPosting(posting, 12)], null);
        const [stored = []] = (JSON.parse(text) as StoredBody).p ?? [];
        expect(stored[0]).toBe(12);
        expect(list.map((_, place) => amountAt(stored, place + 1))).toEqual(list);
        expect(stored.at(-1)).not.toBe(0);
      }),
    );
  });
});
