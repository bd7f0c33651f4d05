/**
 * Rules by which customers pay other prices than the provider's.
 *
 * @module
 */
import { z } from 'zod';
import { itemOfRow } from '../../../catalog/price-book.ts';
import { priceRuleSchema, ruledItem, type PriceRuleInput } from '../../../catalog/price-rules.ts';
import { priceRowSchema } from '../../../catalog/price-row.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { COUNTED_UNITS } from '../../../contracts/usage.ts';
import { compileGlob } from '../../../metering/core/glob.ts';
import type { PriceRuleRecord } from '../../../metering/price-port.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import type { AdminDependencies } from '../dependencies.ts';
import { findCustomer } from '../find.ts';
import {
  formatTime,
  formatTimeOrNull,
  listSchema,
  pageInMemory,
  pageQuery,
  timeSchema,
} from '../shapes.ts';

const ruleReplySchema = z
  .strictObject({
    id: z.string(),
    customer: z.string().nullable().describe('`cus_…`; null: not of one customer.'),
    plan: z.string().nullable().describe('Of its customers; null: not of one plan.'),
    match: z.string().nullable(),
    markup_percent: z.string().nullable(),
    units: z.array(z.enum(COUNTED_UNITS)).nullable(),
    price: priceRowSchema.nullable(),
    created_at: timeSchema,
    retired_at: timeSchema.nullable(),
  })
  .meta({ id: 'PriceRule' });

function showRule(record: PriceRuleRecord): z.input<typeof ruleReplySchema> {
  const rule = priceRuleSchema.parse(JSON.parse(record.body));
  return {
    id: record.id,
    customer: record.customerId,
    plan: rule.plan ?? null,
    match: rule.match ?? null,
    markup_percent: rule.markup_percent ?? null,
    units: rule.units ?? null,
    price: rule.price ?? null,
    created_at: formatTime(record.createdAtMs),
    retired_at: formatTimeOrNull(record.retiredAtMs),
  };
}

/** @throws GatewayError `invalid_request` where the rule could price nothing, or nothing exactly */
function checkRule(rule: PriceRuleInput, { catalogue }: AdminDependencies): void {
  const { price } = rule;
  if (price !== undefined) itemOfRow(price);
  const matches = compileGlob(
    price === undefined ? (rule.match ?? '*') : `${price.provider}/${price.model}`,
  );
  const matched = catalogue.priceBook.items.filter((item) =>
    matches(`${item.provider}/${item.model}`),
  );
  if (matched.length === 0) {
    throw new GatewayError('invalid_request', {
      message:
        'The price book lists no model of this name, so the rule would price nothing. GET /admin/v1/prices lists the names; prices of further models stand in gateway.yaml under models.prices.',
      param: price === undefined ? 'match' : 'price.model',
    });
  }
  for (const item of matched) ruledItem(item, { id: 'check', rule });
}

/** @throws GatewayError `not_found` */
async function assertPlan({ store }: AdminDependencies, planId: string): Promise<void> {
  const plans = await store.directory.plans();
  if (plans.some(({ id }) => id === planId)) return;
  throw new GatewayError('not_found', { message: `There is no plan "${planId}".`, param: 'plan' });
}

async function changed({ store, onPriceRules }: AdminDependencies): Promise<void> {
  onPriceRules(await store.prices.rules());
}

/** Routes below `/price-rules`. */
export const priceRuleRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/price-rules',
    operationId: 'listPriceRules',
    summary: 'List price rules, oldest first',
    tag: 'catalogue',
    query: z.strictObject(pageQuery),
    reply: listSchema(ruleReplySchema),
    async handle({ query }, { store }) {
      const page = pageInMemory(await store.prices.rules(), (rule) => rule.id, query);
      return { data: page.data.map(showRule), next_cursor: page.next_cursor };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/price-rules',
    operationId: 'createPriceRule',
    summary: 'Charge another price than the provider’s',
    description:
      'A markup on what matches, or a price of one model; for one customer, for the customers of a plan, or for everyone. A customer’s own rule wins over one of its plan, that over one for everyone, a later rule over an earlier one; rules never add up. In force from the next request on.',
    tag: 'catalogue',
    body: priceRuleSchema,
    example: { match: 'sim/*', markup_percent: '20' },
    status: 201,
    reply: ruleReplySchema,
    errors: ['not_found'],
    async handle({ body }, dependencies) {
      const { store, ids, now } = dependencies;
      checkRule(body, dependencies);
      if (body.plan !== undefined) await assertPlan(dependencies, body.plan);
      const customerId =
        body.customer === undefined
          ? null
          : (await findCustomer(store, body.customer, 'customer')).customer.id;
      const record: PriceRuleRecord = {
        id: ids.next('rule'),
        customerId,
        body: JSON.stringify(body),
        createdAtMs: now(),
        retiredAtMs: null,
      };
      await store.prices.putRule(record);
      await changed(dependencies);
      return showRule(record);
    },
  }),
  adminRoute({
    method: 'post',
    path: '/price-rules/{id}/retire',
    operationId: 'retirePriceRule',
    summary: 'End a price rule',
    description: 'What was booked by it can still be explained.',
    tag: 'catalogue',
    params: z.strictObject({ id: z.string().min(1).max(200).describe('`rule_…`') }),
    body: z.strictObject({}),
    bodyRequired: false,
    reply: ruleReplySchema,
    errors: ['not_found'],
    async handle({ params }, dependencies) {
      const { store, now } = dependencies;
      const known = (await store.prices.rules()).find((rule) => rule.id === params.id);
      if (known === undefined) {
        throw new GatewayError('not_found', {
          message: `There is no price rule "${params.id}".`,
          param: 'id',
        });
      }
      const retired = { ...known, retiredAtMs: known.retiredAtMs ?? now() };
      await store.prices.retireRule(retired.id, retired.retiredAtMs);
      await changed(dependencies);
      return showRule(retired);
    },
  }),
];
