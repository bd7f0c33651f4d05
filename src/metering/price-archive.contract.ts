/**
 * What every store must do with prices over time and the rules upon them.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArchivedPrice, PriceArchive, PriceRuleRecord } from './price-port.ts';

/** An archive and what ends it. */
export interface PriceArchiveUnderTest {
  readonly prices: PriceArchive;
  dispose(): Promise<void>;
}

const START_MS = Date.parse('2026-03-10T09:00:00Z');
const HOUR_MS = 3_600_000;

function priceOf(id: string, rate = 1): ArchivedPrice {
  return { id, row: JSON.stringify({ provider: 'sim', model: id, rates: { requests: rate } }) };
}

function ruleOf(id: string, fields: Partial<PriceRuleRecord> = {}): PriceRuleRecord {
  return {
    id,
    customerId: null,
    body: JSON.stringify({ plan: 'pro', markup_percent: '20' }),
    createdAtMs: START_MS,
    retiredAtMs: null,
    ...fields,
  };
}

/** Runs the suite. */
export function describePriceArchive(
  name: string,
  open: (clock: () => number) => Promise<PriceArchiveUnderTest>,
): void {
  describe(`${name} keeps the contract of prices over time`, () => {
    let nowMs = START_MS;
    let test: PriceArchiveUnderTest;
    let prices: PriceArchive;
    beforeEach(async () => {
      nowMs = START_MS;
      test = await open(() => nowMs);
      ({ prices } = test);
    });
    afterEach(() => test.dispose());

    const [one, two] = [priceOf('sim/one#1'), priceOf('sim/two#1')];

    it('has no book, no price and no rule before the first', async () => {
      expect(await prices.books()).toEqual([]);
      expect(await prices.bookAt(nowMs)).toBeNull();
      expect(await prices.prices([one.id])).toEqual([]);
      expect(await prices.rules()).toEqual([]);
    });

    it('tells which book was in force when, also where one comes back', async () => {
      await prices.putBook({ id: 'pb_1', prices: [one] });
      nowMs += HOUR_MS;
      await prices.putBook({ id: 'pb_2', prices: [one, two] });
      nowMs += HOUR_MS;
      await prices.putBook({ id: 'pb_1', prices: [one] });
      const at = (hours: number): number => START_MS + hours * HOUR_MS;
      expect(await prices.books()).toEqual([
        { id: 'pb_1', fromMs: at(2), untilMs: null, prices: 1 },
        { id: 'pb_2', fromMs: at(1), untilMs: at(2), prices: 2 },
        { id: 'pb_1', fromMs: at(0), untilMs: at(1), prices: 1 },
      ]);
      expect(await prices.bookAt(at(0) - 1)).toBeNull();
      const bookIds = [at(0), at(1) - 1, at(1), at(2) - 1, at(2), at(9)].map(
        async (atMs) => (await prices.bookAt(atMs))?.id,
      );
      expect(await Promise.all(bookIds)).toEqual(['pb_1', 'pb_1', 'pb_2', 'pb_2', 'pb_1', 'pb_1']);
      expect(await prices.bookAt(at(1))).toEqual({ id: 'pb_2', prices: [one, two] });
    });

    it('states the book in force once, however often it is put', async () => {
      await prices.putBook({ id: 'pb_1', prices: [one, two] });
      nowMs += HOUR_MS;
      await prices.putBook({ id: 'pb_1', prices: [one, two] });
      expect(await prices.books()).toEqual([
        { id: 'pb_1', fromMs: START_MS, untilMs: null, prices: 2 },
      ]);
    });

    it('never changes a price that it knows, and keeps those of books that are over', async () => {
      await prices.putBook({ id: 'pb_1', prices: [one] });
      await prices.putBook({ id: 'pb_2', prices: [priceOf(one.id, 99), two] });
      const found = await prices.prices([one.id, 'sim/nothing#1', two.id]);
      expect(found.toSorted((a, b) => (a.id < b.id ? -1 : 1))).toEqual([one, two]);
    });

    it('lists rules oldest first, and retires one once', async () => {
      const rules = [ruleOf('rule_b'), ruleOf('rule_a', { customerId: 'cus_1' })];
      for (const rule of rules) await prices.putRule(rule);
      expect(await prices.rules()).toEqual(rules);
      await prices.retireRule('rule_b', START_MS + 1);
      await prices.retireRule('rule_b', START_MS + 2);
      await prices.retireRule('rule_none', START_MS + 2);
      expect(await prices.rules()).toEqual([
        ruleOf('rule_b', { retiredAtMs: START_MS + 1 }),
        rules[1],
      ]);
    });
  });
}
