import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METERS, OPERATIONS } from '../../contracts/metering.ts';
import type { CandidateBound, MeterAmounts, ReserveCommand } from '../../metering/ports.ts';
import { reserveOf, settleOf, voidOf } from '../../metering/testing/store-samples.ts';
import { decodeCommands } from './commands.ts';
import { decodeAttempts, readRequest } from './row-codec.ts';
import {
  ANSWER_HELD,
  ANSWER_SETTLED,
  type Flat,
  FlatReader,
  putCall,
  putClaimEnd,
  putExtend,
  putLeave,
  putHeld,
  putProgress,
  putReserve,
  putSettle,
  putSettled,
  putVoid,
  readHeld,
  readSettled,
} from './wire.ts';

const amounts: fc.Arbitrary<MeterAmounts> = fc.dictionary(
  fc.constantFrom(...METERS),
  fc.bigInt({ min: 0n, max: 2n ** 62n }),
  { maxKeys: 5, noNullPrototype: true },
);
const bound: fc.Arbitrary<CandidateBound> = fc.record({
  model: fc.string(),
  fixed: amounts,
  elastic: fc.option(
    fc.record({
      tokens: fc.nat(),
      minTokens: fc.nat(),
      nanoUsdPerMillion: fc.bigInt({ min: 0n, max: 2n ** 60n }),
    }),
  ),
});
const reserve: fc.Arbitrary<ReserveCommand> = fc.record({
  holdId: fc.string(),
  requestId: fc.string(),
  customerId: fc.string(),
  keyId: fc.string(),
  token: fc.option(
    fc.record({
      id: fc.string(),
      maxSpendNanoUsd: fc.option(fc.bigInt({ min: 0n, max: 2n ** 60n })),
      expiresAtMs: fc.nat(),
    }),
  ),
  operation: fc.constantFrom(...OPERATIONS),
  bound,
  pricing: fc.constantFrom('priced', 'unpriced_model', 'unbounded_cost'),
  priceBookId: fc.string(),
  fingerprint: fc.string(),
  observedFloor: amounts,
  tags: fc.option(fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true })),
});

function decoded(flat: Flat): ReturnType<typeof decodeCommands> {
  // Structured clone is what the array goes through on its way.
  const reader = new FlatReader(structuredClone(flat));
  return decodeCommands(reader, { progress: () => undefined, leave: () => undefined });
}

describe('the batch between the threads', () => {
  it('brings every reserve and extend over as it was, whatever stands beside it', () => {
    fc.assert(
      fc.property(fc.array(reserve, { maxLength: 4 }), fc.array(bound), (commands, keep) => {
        const flat: Flat = [];
        commands.forEach((command, call) => {
          putReserve(flat, call, command);
          const next = command.bound;
          putExtend(flat, call, { holdId: command.holdId, keep, next });
        });
        expect(decoded(flat)).toEqual(
          commands.flatMap((command, call) => [
            { op: 'reserve', call, command },
            {
              op: 'extend',
              call,
              command: { holdId: command.holdId, keep, next: command.bound },
            },
          ]),
        );
      }),
    );
  });

  it('brings settlements, voids, marks and other calls over', () => {
    const command = reserveOf('cus_1', 1);
    const settle = settleOf(command, 1000);
    const ending = voidOf(command, 2000);
    const flat: Flat = [];
    putSettle(flat, 7, settle);
    const mark = { charges: settle.charges, providerRequestId: 'gen-1' };
    putProgress(flat, 'hold_1', mark);
    const claim = { scope: 'cus_1', key: 'k', requestId: 'req_2' };
    const sealed = new Uint8Array([1, 2, 3]);
    putClaimEnd(flat, { claim, end: { type: 'kept', sealed } });
    putVoid(flat, 8, ending);
    putLeave(flat, 'req_2');
    putCall(flat, 9, { name: 'limits', args: ['cus_1', null] });
    const marks: unknown[] = [];
    const commands = decodeCommands(new FlatReader(structuredClone(flat)), {
      progress: (holdId, noted) => marks.push(holdId, noted),
      leave: (requestId) => marks.push(requestId),
    });
    expect(marks).toEqual(['hold_1', mark, 'req_2']);
    expect(commands).toMatchObject([
      { op: 'settle', call: 7, order: { kind: 'settle', charges: settle.charges }, claimEnd: null },
      {
        op: 'settle',
        call: 8,
        order: { kind: 'void', reason: 'provider refused' },
        claimEnd: { ...claim, state: 'kept', sealed },
      },
      { op: 'call', call: 9, name: 'limits', args: ['cus_1', null] },
    ]);
    const [first, second] = commands;
    if (first?.op !== 'settle' || second?.op !== 'settle') throw new Error('no settlement');
    const { requestId, customerId } = settle.request;
    const { startedAtMs, requestText } = first.order;
    const ids = { request_id: requestId, customer_id: customerId };
    const row = { ...ids, started_at: startedAtMs, body: requestText };
    expect(readRequest(row)).toEqual(settle.request);
    expect(decodeAttempts(JSON.parse(second.order.attemptsText))).toEqual(ending.attempts);
  });

  it('brings the answer of a settlement back', () => {
    const settled = fc.record({
      type: fc.constantFrom('settled', 'voided'),
      replayed: fc.boolean(),
      overrunNanoUsd: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    });
    fc.assert(
      fc.property(settled, fc.boolean(), (answer, isWithin) => {
        const told = isWithin ? { ...answer, overrunNanoUsd: 0n } : answer;
        const flat: Flat = [];
        putSettled(flat, 6, told);
        const reader = new FlatReader(structuredClone(flat));
        expect([reader.number(), reader.number()]).toEqual([ANSWER_SETTLED, 6]);
        expect(readSettled(reader)).toEqual(told);
        expect(reader.done).toBe(true);
      }),
    );
  });

  it('brings the answer of a reserve back', () => {
    const held = {
      type: 'held',
      holdId: 'hold_1',
      outputTokens: null,
      softBreaches: ['cost_usd/day'],
      plan: { id: 'pro', version: 3 },
      rates: { requests: { limit: '10', remaining: '9', resetMs: 1234 }, tokens: null },
    } as const;
    const flat: Flat = [];
    putHeld(flat, 5, held);
    const reader = new FlatReader(structuredClone(flat));
    expect([reader.number(), reader.number()]).toEqual([ANSWER_HELD, 5]);
    expect(readHeld(reader, 'hold_1')).toEqual(held);
    expect(reader.done).toBe(true);
  });
});
