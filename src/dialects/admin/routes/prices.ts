/**
 * Prices: what is in force, what was, and how a cost comes about.
 *
 * @module
 */
import { z } from 'zod';
import { archivedItem, explainUsage } from '../../../catalog/explain.ts';
import { holdsAt, type PriceItem } from '../../../catalog/price-item.ts';
import { priceRuleSchema, ruledItem } from '../../../catalog/price-rules.ts';
import { servedTierOf, STANDARD_TIER } from '../../../catalog/service-tier.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { formatUsd } from '../../../contracts/money.ts';
import { COUNTED_UNITS, type CountedUnit } from '../../../contracts/usage.ts';
import type { AttemptRecord, MeteringStore } from '../../../metering/ports.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import type { AdminDependencies } from '../dependencies.ts';
import { explanationSchema, priceSchema, showExplanation, showPrice } from '../price-shapes.ts';
import {
  formatTime,
  formatTimeOrNull,
  instantSchema,
  listSchema,
  pageInMemory,
  pageQuery,
  parseInstant,
  timeSchema,
  usdSchema,
} from '../shapes.ts';

const usageSchema = z.partialRecord(z.enum(COUNTED_UNITS), z.int().nonnegative().max(1e12));
const dimensionsSchema = z.record(z.string().max(64), z.string().max(200));

const attemptSchema = z
  .strictObject({
    n: z.int(),
    provider: z.string(),
    model: z.string().describe('The model that was served, and so is priced.'),
    billable: z.enum(['yes', 'no', 'unknown']),
    booked: usdSchema,
    provider_cost: usdSchema.describe(
      'What the provider charges; differs where a price rule was used.',
    ),
    explanation: explanationSchema
      .nullable()
      .describe('Null where nothing was billed, or where the price is not archived.'),
    matches: z
      .boolean()
      .nullable()
      .describe('Whether the arithmetic gives what was booked; null without an explanation.'),
  })
  .meta({ id: 'ExplainedAttempt' });

function itemsInForce(items: readonly PriceItem[], atMs: number | null): readonly PriceItem[] {
  return atMs === null ? items : items.filter((item) => holdsAt(item, atMs));
}

function hasUnit(item: PriceItem, unit: CountedUnit): boolean {
  return (
    (item.listed as ReadonlySet<string>).has(unit) ||
    (item.media?.rates.some((rate) => rate.unit === unit) ?? false)
  );
}

/** The book of an instant, or the one that the process prices by. */
async function bookOf(
  { store, catalogue }: AdminDependencies,
  atMs: number | null,
): Promise<{ readonly id: string; readonly items: readonly PriceItem[] }> {
  if (atMs === null) return catalogue.priceBook;
  const book = await store.prices.bookAt(atMs);
  if (book === null) {
    throw new GatewayError('not_found', {
      message: 'No price book was in force then: the first one came later.',
      param: 'at',
    });
  }
  return { id: book.id, items: book.prices.map(archivedItem) };
}

/** Items by id: archived ones, and those that the process prices by. */
async function itemsById(
  {
    store,
    catalogue,
  }: { readonly store: MeteringStore; readonly catalogue: AdminDependencies['catalogue'] },
  ids: readonly string[],
): Promise<ReadonlyMap<string, PriceItem>> {
  const known = new Map<string, PriceItem>();
  const bases = ids.map((id) => id.split('%')[0] ?? id);
  for (const item of catalogue.priceBook.items)
    if (bases.includes(item.id)) known.set(item.id, item);
  for (const archived of await store.prices.prices(bases)) {
    known.set(archived.id, archivedItem(archived));
  }
  const ruled = ids.filter((id) => id.includes('%'));
  const rules = ruled.length === 0 ? [] : await store.prices.rules();
  for (const id of ruled) {
    const [baseId = '', ruleId = ''] = id.split('%');
    const base = known.get(baseId);
    const record = rules.find((rule) => rule.id === ruleId);
    if (base === undefined || record === undefined) continue;
    known.set(
      id,
      ruledItem(base, { id: ruleId, rule: priceRuleSchema.parse(JSON.parse(record.body)) }),
    );
  }
  return known;
}

function explainAttempt(
  attempt: AttemptRecord,
  items: ReadonlyMap<string, PriceItem>,
): z.input<typeof attemptSchema> {
  const item = attempt.priceItemId === null ? undefined : items.get(attempt.priceItemId);
  const explained =
    item === undefined || attempt.billable !== 'yes'
      ? null
      : explainUsage(item, attempt.usage, attempt.dimensions);
  return {
    n: attempt.n,
    provider: attempt.provider,
    model: attempt.modelServed ?? attempt.modelRequested,
    billable: attempt.billable,
    booked: formatUsd(attempt.costNanoUsd),
    provider_cost: formatUsd(attempt.providerCostNanoUsd ?? attempt.costNanoUsd),
    explanation: explained === null ? null : showExplanation(explained),
    matches: explained === null ? null : explained.nanoUsd === attempt.costNanoUsd,
  };
}

const listPrices = adminRoute({
  method: 'get',
  path: '/prices',
  operationId: 'listPrices',
  summary: 'List the price book',
  description:
    'Without `at`, every price of the book in force, also those that begin later. With `at`, the prices that held at that instant, by the book of that time.',
  tag: 'catalogue',
  query: z.strictObject({
    ...pageQuery,
    provider: z.string().min(1).max(100).optional(),
    model: z.string().min(1).max(200).optional(),
    unit: z.enum(COUNTED_UNITS).optional().describe('Prices of this unit only.'),
    at: instantSchema.optional(),
  }),
  reply: listSchema(priceSchema).extend({ price_book: z.string().describe('`pb_…`') }),
  errors: ['not_found'],
  async handle({ query }, dependencies) {
    const { provider, model, unit, at } = query;
    const atMs = at === undefined ? null : parseInstant(at, 'at');
    const { id, items } = await bookOf(dependencies, atMs);
    const prices = itemsInForce(items, atMs).filter(
      (price) =>
        (provider === undefined || price.provider === provider) &&
        (model === undefined || price.model === model) &&
        (unit === undefined || hasUnit(price, unit)),
    );
    const page = pageInMemory(prices, (price) => price.id, query);
    return { data: page.data.map(showPrice), next_cursor: page.next_cursor, price_book: id };
  },
});

const listBooks = adminRoute({
  method: 'get',
  path: '/price-books',
  operationId: 'listPriceBooks',
  summary: 'List the price books that were in force, newest first',
  tag: 'catalogue',
  query: z.strictObject(pageQuery),
  reply: listSchema(
    z
      .strictObject({
        id: z.string(),
        from: timeSchema,
        to: timeSchema.nullable().describe('Null for the one in force.'),
        prices: z.int(),
      })
      .meta({ id: 'PriceBook' }),
  ),
  async handle({ query }, { store }) {
    const books = await store.prices.books();
    const named = books.map((book, place) => ({ book, name: String(place).padStart(9, '0') }));
    const page = pageInMemory(named, ({ name }) => name, query);
    return {
      data: page.data.map(({ book }) => ({
        id: book.id,
        from: formatTime(book.fromMs),
        to: formatTimeOrNull(book.untilMs),
        prices: book.prices,
      })),
      next_cursor: page.next_cursor,
    };
  },
});

const explainRequest = adminRoute({
  method: 'get',
  path: '/requests/{id}/explain',
  operationId: 'explainRequest',
  summary: 'Show how the cost of a request comes about',
  description:
    'Every attempt by the price it was booked at, whatever is in force today: units, rates, the exact sum, and the one rounding up.',
  tag: 'requests',
  params: z.strictObject({ id: z.string().min(1).max(200).describe('`req_…`') }),
  reply: z
    .strictObject({
      request: z.string(),
      price_book: z.string().nullable().describe('In force when the hold was taken.'),
      cost: usdSchema.describe('As the ledger has it.'),
      attempts: z.array(attemptSchema),
      matches: z
        .boolean()
        .describe('No explained attempt differs, and the attempts add up to the cost.'),
    })
    .meta({ id: 'ExplainedRequest' }),
  errors: ['not_found'],
  async handle({ params }, { store, catalogue }) {
    const detail = await store.reader.request(params.id);
    if (detail === null) {
      throw new GatewayError('not_found', {
        message: `There is no request "${params.id}".`,
        param: 'id',
      });
    }
    const rows = detail.attemptRows;
    const items = await itemsById(
      { store, catalogue },
      rows.flatMap((attempt) => attempt.priceItemId ?? []),
    );
    const attempts = rows.map((attempt) => explainAttempt(attempt, items));
    const sum = rows.reduce((total, attempt) => total + attempt.costNanoUsd, 0n);
    return {
      request: detail.requestId,
      price_book: detail.hold?.priceBookId ?? null,
      cost: formatUsd(detail.costNanoUsd),
      attempts,
      matches: sum === detail.costNanoUsd && attempts.every((attempt) => attempt.matches !== false),
    };
  },
});

const explainHypothetical = adminRoute({
  method: 'post',
  path: '/prices/explain',
  operationId: 'explainUsage',
  summary: 'Show what a usage would cost, and why',
  tag: 'catalogue',
  body: z.strictObject({
    model: z.string().min(3).max(300).describe('`provider/model` of the price book.'),
    usage: usageSchema,
    service_tier: z.string().min(1).max(32).optional().describe('Default: `standard`.'),
    dimensions: dimensionsSchema.optional().describe('Such as `{"resolution":"720p"}`.'),
    at: instantSchema.optional().describe('Prices of this instant; default: now.'),
  }),
  example: { model: 'sim/chat', usage: { input_text_tokens: 1000, output_text_tokens: 250 } },
  reply: explanationSchema,
  errors: ['not_found', 'unpriced_model'],
  async handle({ body }, dependencies) {
    const slash = body.model.indexOf('/');
    const [provider, model] = [body.model.slice(0, slash), body.model.slice(slash + 1)];
    if (slash <= 0 || model === '') throw invalidRequest('model', 'must be provider/model.');
    const atMs = body.at === undefined ? null : parseInstant(body.at, 'at');
    const prices =
      atMs === null
        ? dependencies.catalogue.priceBook.findTiers(provider, model, dependencies.now())
        : itemsInForce((await bookOf(dependencies, atMs)).items, atMs).filter(
            (price) => price.provider === provider && price.model === model,
          );
    const tier = servedTierOf(body.service_tier ?? STANDARD_TIER);
    const item = prices.findLast((price) => price.serviceTier === tier);
    if (item === undefined) {
      const isTierMissing = prices.length > 0;
      throw new GatewayError('unpriced_model', {
        message: `${body.model} has no price ${isTierMissing ? 'in this service tier ' : ''}then. GET /admin/v1/prices lists those that have.`,
        param: isTierMissing ? 'service_tier' : 'model',
      });
    }
    return showExplanation(explainUsage(item, body.usage, body.dimensions));
  },
});

/** `/prices`, `/price-books` and the explanations. */
export const priceRoutes: readonly AdminRoute[] = [
  listPrices,
  explainHypothetical,
  listBooks,
  explainRequest,
];
