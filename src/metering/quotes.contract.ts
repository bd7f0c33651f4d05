/**
 * What every store must do with quotes.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeteringStore } from './ports.ts';
import type { StoreSuite, StoreUnderTest } from './store.contract.ts';
import { quoteCommand, quotedOperation, quotedReserve } from './testing/quote-samples.ts';
import { reserveOf, settleOf } from './testing/store-samples.ts';

/** Money in the plan of the suite: one dollar. */
const USD = 1_000_000_000n;

/** Runs the suite. */
export function describeQuotes(suite: StoreSuite): void {
  describe(`${suite.name} keeps the contract of quotes`, () => {
    let nowMs = 0;
    let test: StoreUnderTest;
    let store: MeteringStore;
    let customerId = '';

    beforeEach(async () => {
      nowMs = Date.parse('2026-03-10T09:30:00Z');
      test = await suite.create(() => nowMs);
      ({ store } = test);
      await store.directory.createPlan({
        id: 'quotes',
        name: 'Quotes',
        limits: [{ meter: 'cost_usd', window: 'period', amount: '1.00' }],
      });
      customerId = await newCustomer('user-1');
    });
    afterEach(() => test.dispose());

    async function newCustomer(externalId: string): Promise<string> {
      const made = await store.directory.createCustomer({
        externalId,
        name: null,
        planId: 'quotes',
        trialDays: null,
        cadence: 'month',
        timezone: 'UTC',
        anchorLocal: null,
      });
      return made.customer.id;
    }

    const half = (id: string, count = 1) =>
      quotedOperation('qt_1', id, { costNanoUsd: USD / 2n, count });

    async function heldNow(): Promise<string | undefined> {
      return (await store.ledger.limits(customerId, null))[0]?.held;
    }

    it('evaluates without writing a row, whatever the mode', async () => {
      await store.ledger.limits(customerId, null);
      const before = await test.dump();
      const command = quoteCommand(customerId, 'qt_1', [half('a'), half('b'), half('c')]);
      const { verdicts, held } = await store.quotes.evaluate(command);
      expect(verdicts.map(({ allowed }) => allowed)).toEqual([true, true, false]);
      expect(held).toEqual([]);
      expect(await test.dump()).toBe(before);
      expect(await store.quotes.standing('qt_1')).toBeNull();
    });

    it('holds what is allowed, and answers a repetition from the first', async () => {
      const command = quoteCommand(customerId, 'qt_1', [half('a'), half('b'), half('c')]);
      const made = await store.quotes.create(command);
      expect(made.held).toEqual(['a', 'b']);
      expect(await heldNow()).toBe('1.000000000');
      expect(await store.quotes.create(command)).toEqual(made);
      expect(await heldNow()).toBe('1.000000000');
      expect(await store.quotes.standing('qt_1')).toMatchObject({
        customerId,
        record: 'record of qt_1',
        evaluation: made,
        legs: [
          { operationId: 'a', uses: 1, usesLeft: 1, state: 'open' },
          { operationId: 'b', uses: 1, usesLeft: 1, state: 'open' },
        ],
      });
      expect(await store.ledger.verify()).toMatchObject({ ok: true, open_holds: 2 });
    });

    it('gives each use to one call, books it, and frees the rest of it', async () => {
      await store.quotes.create(quoteCommand(customerId, 'qt_1', [half('a', 2)]));
      const answers = await Promise.all(
        [1, 2, 3].map((n) => store.quotes.reserve(quotedReserve(customerId, 'qt_1', n))),
      );
      expect(answers.map(({ type }) => type)).toEqual(['held', 'held', 'no_leg']);
      const again = await store.quotes.reserve(quotedReserve(customerId, 'qt_1', 1));
      expect(again, 'a repetition').toEqual(answers[0]);
      for (const n of [1, 2]) {
        await store.ledger.settle(settleOf(reserveOf(customerId, n), nowMs));
      }
      expect((await store.ledger.limits(customerId, null))[0]).toMatchObject({
        used: '0.008000000',
        held: '0.000000000',
      });
      expect(await store.quotes.standing('qt_1')).toMatchObject({
        legs: [{ usesLeft: 0, state: 'used' }],
      });
      expect(await store.reader.request('req_1')).toMatchObject({ hold: { state: 'settled' } });
      expect(await store.ledger.verify()).toMatchObject({ ok: true, open_holds: 0 });
    });

    it('answers a repeated draw from the first when the quote is long forgotten', async () => {
      await store.quotes.create(quoteCommand(customerId, 'qt_1', [half('a')]));
      const call = quotedReserve(customerId, 'qt_1', 1);
      const first = await store.quotes.reserve(call);
      nowMs += 3 * 86_400_000;
      await store.quotes.create(
        quoteCommand(customerId, 'qt_2', [quotedOperation('qt_2', 'a', { costNanoUsd: 1n })]),
      );
      expect(await store.quotes.reserve(call)).toEqual(first);
    });

    it('says why nothing can be drawn', async () => {
      const other = await newCustomer('user-2');
      await store.quotes.create(quoteCommand(customerId, 'qt_1', [half('a')]));
      const call = quotedReserve(customerId, 'qt_1', 1);
      const reasonOf = async (command: typeof call) => {
        const answer = await store.quotes.reserve(command);
        return answer.type === 'no_leg' ? answer.reason : answer.type;
      };
      expect(await reasonOf({ ...call, customerId: other })).toBe('unknown_quote');
      expect(await reasonOf({ ...call, quoteId: 'qt_0' })).toBe('unknown_quote');
      expect(await reasonOf({ ...call, operationId: 'z' })).toBe('unknown_operation');
      expect(await reasonOf({ ...call, operation: 'image.generate' })).toBe('no_match');
      const bound = { ...call.bound, model: 'other/model' };
      expect(await reasonOf({ ...call, bound, modelAsked: 'other/model' })).toBe('no_match');
      expect(await store.quotes.release(other, 'qt_1')).toBeNull();
      await store.quotes.release(customerId, 'qt_1');
      expect(await reasonOf(call)).toBe('released');
      expect(await heldNow()).toBe('0.000000000');
      await store.quotes.create(
        quoteCommand(customerId, 'qt_2', [quotedOperation('qt_2', 'a', { costNanoUsd: USD })]),
      );
      nowMs += 60_000;
      expect(await reasonOf({ ...call, quoteId: 'qt_2' })).toBe('expired');
      await store.quotes.standing('qt_2');
      expect(await store.quotes.standing('qt_2')).toMatchObject({
        legs: [{ usesLeft: 0, state: 'expired' }],
      });
      expect(await heldNow(), 'the sweep has freed it').toBe('0.000000000');
    });

    it('tells the median of what came out for what went in', async () => {
      for (const n of [1, 2, 3]) {
        const command = reserveOf(customerId, n);
        await store.ledger.reserve(command);
        const settle = settleOf(command, nowMs);
        const usage = { input_text_tokens: 80, output_text_tokens: 20 * n };
        await store.ledger.settle({ ...settle, request: { ...settle.request, usage } });
      }
      const models = ['openai/gpt-4o-mini', 'openai/gpt-4o'];
      expect(await store.quotes.outputRatios(customerId, models)).toEqual([
        { model: 'openai/gpt-4o-mini', samples: 3, median: 0.5 },
      ]);
    });
  });
}
