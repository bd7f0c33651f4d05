/**
 * Prices over time in memory, for tests of the control plane.
 *
 * @module
 */
import type { ArchivedPrice, PriceArchive, PriceRuleRecord } from '../../../metering/price-port.ts';

export function createFakePrices(now: () => number): PriceArchive {
  const books: { id: string; fromMs: number; prices: readonly ArchivedPrice[] }[] = [];
  const items = new Map<string, ArchivedPrice>();
  const rules = new Map<string, PriceRuleRecord>();
  return {
    async putBook({ id, prices }) {
      if (books.at(-1)?.id === id) return;
      books.push({ id, prices, fromMs: now() });
      for (const price of prices) if (!items.has(price.id)) items.set(price.id, price);
    },
    books: async () =>
      books
        .map(({ id, fromMs, prices }, place) => ({
          id,
          fromMs,
          untilMs: books[place + 1]?.fromMs ?? null,
          prices: prices.length,
        }))
        .toReversed(),
    async bookAt(atMs) {
      const book = books.findLast(({ fromMs }) => fromMs <= atMs);
      return book === undefined ? null : { id: book.id, prices: book.prices };
    },
    prices: async (ids) => ids.flatMap((id) => items.get(id) ?? []),
    async putRule(rule) {
      rules.set(rule.id, rule);
    },
    async retireRule(ruleId, atMs) {
      const rule = rules.get(ruleId);
      if (rule?.retiredAtMs === null) rules.set(ruleId, { ...rule, retiredAtMs: atMs });
    },
    rules: async () => [...rules.values()],
  };
}
