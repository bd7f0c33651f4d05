import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COUNTED_UNITS } from '../../contracts/usage.ts';
import { reserveOf, settleOf } from '../../metering/testing/store-samples.ts';
import {
  type AttemptRow,
  decodeAttempts,
  encodeAttempts,
  encodeRequest,
  readRequest,
} from './row-codec.ts';
import type { SqlRow } from './subscriptions.ts';

const usage = fc.dictionary(fc.constantFrom(...COUNTED_UNITS), fc.maxSafeNat(), {
  noNullPrototype: true,
});
const money = fc.bigInt({ min: 0n, max: 2n ** 62n });
const sample = settleOf(reserveOf('cus_1', 1), 1000);

function stored(body: string, startedAtMs = sample.request.startedAtMs): SqlRow {
  const { requestId, customerId } = sample.request;
  return { request_id: requestId, customer_id: customerId, started_at: startedAtMs, body };
}

describe('rows of the request log and of attempts', () => {
  it('give back every count and every amount', () => {
    fc.assert(
      fc.property(usage, money, (counted, costNanoUsd) => {
        const request = { ...sample.request, usage: counted, costNanoUsd };
        expect(readRequest(stored(encodeRequest(request)))).toEqual(request);
        const attempts = sample.attempts.map((one) => ({ ...one, usage: counted, costNanoUsd }));
        const rows = JSON.parse(encodeAttempts(attempts)) as AttemptRow[];
        expect(decodeAttempts(rows)).toEqual(attempts);
      }),
    );
  });

  it('keep durations to the microsecond', () => {
    const request = { ...sample.request, overheadMs: 0.123456789012345 };
    const { overheadMs } = readRequest(stored(encodeRequest(request)));
    expect(overheadMs).toBe(0.123);
  });

  it('give back every instant, were the clock set back meanwhile', () => {
    const atMs = fc.oneof(
      fc.integer({ min: 0, max: 1_800_000_000_000 }),
      fc.integer({ min: 1_790_000_000_000, max: 1_790_000_001_000 }),
    );
    fc.assert(
      fc.property(atMs, fc.option(atMs), atMs, (firstMs, laterMs, lastMs) => {
        const request = {
          ...sample.request,
          startedAtMs: firstMs,
          firstTokenAtMs: laterMs,
          finishedAtMs: lastMs,
        };
        expect(readRequest(stored(encodeRequest(request), firstMs))).toEqual(request);
        const attempts = sample.attempts.map((attempt) => ({
          ...attempt,
          dispatchedAtMs: firstMs,
          firstByteAtMs: laterMs,
          finishedAtMs: lastMs,
        }));
        const rows = JSON.parse(encodeAttempts(attempts)) as AttemptRow[];
        expect(decodeAttempts(rows)).toEqual(attempts);
      }),
    );
  });

  it('of version 1 are read as well: usage by name, money as text, instants since the epoch', () => {
    const counted = { input_text_tokens: 80, web_searches: 2 };
    const row = JSON.parse(encodeRequest(sample.request)) as unknown[];
    row[10] = 1_790_000_000_000;
    row[11] = 1_790_000_000_250;
    row[12] = 1_790_000_000_900;
    row[15] = counted;
    row[16] = '9007199254740993';
    const read = readRequest(stored(JSON.stringify(row)));
    expect(read).toEqual({
      ...sample.request,
      startedAtMs: 1_790_000_000_000,
      firstTokenAtMs: 1_790_000_000_250,
      finishedAtMs: 1_790_000_000_900,
      usage: counted,
      costNanoUsd: 9_007_199_254_740_993n,
    });
  });
});
