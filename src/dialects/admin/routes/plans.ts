/**
 * Plans and their versions.
 *
 * @module
 */
import { z } from 'zod';
import { planSchema, type PlanInput } from '../../../contracts/metering.ts';
import type { PlanRecord } from '../../../metering/ports.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findPlan, newestPlans } from '../find.ts';
import { formatTime, listSchema, pageInMemory, pageQuery, timeSchema } from '../shapes.ts';

const planReplySchema = planSchema
  .extend({
    version: z.int().describe('Counts from 1; versions never change.'),
    created_at: timeSchema,
  })
  .meta({ id: 'Plan' });

const { id: planIdSchema, ...content } = planSchema.shape;

const versionSchema = z
  .strictObject({
    id: planIdSchema.optional().describe('May be repeated; it cannot change.'),
    name: content.name.optional(),
    price_usd: content.price_usd.unwrap().nullable().optional(),
    models: content.models.unwrap().nullable().optional(),
    features: content.features.unwrap().nullable().optional(),
    funding: content.funding,
    on_metering_outage: content.on_metering_outage,
    max_quote_ttl_s: content.max_quote_ttl_s.unwrap().nullable().optional(),
    limits: content.limits.optional(),
    apply: z
      .enum(['now', 'period_end'])
      .optional()
      .describe('When subscriptions go over to it: at once, or with their next period (default).'),
  })
  .meta({ id: 'PlanVersionInput' });

const EXAMPLE = {
  id: 'starter',
  name: 'Starter',
  limits: [
    { meter: 'requests', window: 'period', amount: 50 },
    { meter: 'cost_usd', window: 'period', amount: '2.00' },
    { meter: 'images', window: 'period', amount: 'disabled' },
    { meter: 'requests', window: 'minute', amount: 20 },
    { meter: 'requests', window: 'concurrent', amount: 4 },
  ],
};

const planParams = z.strictObject({ id: z.string().min(1).max(200).describe('Id of the plan.') });

function showPlan(record: PlanRecord): z.input<typeof planReplySchema> {
  return {
    ...record.plan,
    // The id by which refusals and GET /v1/limits name a limit, also where the plan did not state it.
    limits: record.plan.limits.map((limit) => ({
      ...limit,
      id: limit.id ?? `${limit.meter}/${limit.window}`,
    })),
    version: record.version,
    created_at: formatTime(record.createdAtMs),
  };
}

function assertMoney(plan: PlanInput): void {
  for (const cadence of ['month', 'year'] as const) {
    const price = plan.price_usd?.[cadence];
    if (price !== undefined && !/^\d{1,9}(\.\d{1,9})?$/.test(price)) {
      throw invalidRequest(
        `price_usd.${cadence}`,
        'must be a decimal string of US dollars, such as "29.00".',
      );
    }
  }
}

function withoutAbsent<Members extends object>(members: Members): Partial<Members> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined && value !== null),
  ) as Partial<Members>;
}

/** The next version: absent members are kept, null ones removed, others replaced. */
function nextPlan(current: PlanInput, change: z.output<typeof versionSchema>): PlanInput {
  const { apply: _apply, id, ...members } = change;
  if (id !== undefined && id !== current.id) {
    throw invalidRequest('id', `must be "${current.id}" or left out: a plan keeps its id.`);
  }
  const kept = Object.fromEntries(
    Object.entries(current).filter(([name]) => !(name in members) || isAbsent(members, name)),
  );
  // The schema has the last word on the two laid over each other.
  return planSchema.parse({ ...kept, ...withoutAbsent(members), id: current.id });
}

function isAbsent(members: object, name: string): boolean {
  return Object.entries(members).some(([key, value]) => key === name && value === undefined);
}

/** Routes below `/plans`. */
export const planRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/plans',
    operationId: 'listPlans',
    summary: 'List plans, each in its newest version',
    tag: 'plans',
    query: z.strictObject(pageQuery),
    reply: listSchema(planReplySchema),
    async handle({ query }, { store }) {
      const plans = [...(await newestPlans(store)).values()];
      const page = pageInMemory(plans, (record) => record.id, query);
      return { data: page.data.map(showPlan), next_cursor: page.next_cursor };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/plans',
    operationId: 'createPlan',
    summary: 'Create a plan',
    description:
      'All matching limits bind, and what no limit names is not limited. An amount is a positive number, "unlimited" or "disabled"; 0 is refused.',
    tag: 'plans',
    body: planSchema.meta({ id: 'PlanInput' }),
    example: EXAMPLE,
    status: 201,
    reply: planReplySchema,
    errors: ['conflict'],
    async handle({ body }, { store }) {
      assertMoney(body);
      return showPlan(await store.directory.createPlan(body));
    },
  }),
  adminRoute({
    method: 'get',
    path: '/plans/{id}',
    operationId: 'getPlan',
    summary: 'Read a plan in its newest version',
    tag: 'plans',
    params: planParams,
    reply: planReplySchema,
    errors: ['not_found'],
    handle: async ({ params }, { store }) => showPlan(await findPlan(store, params.id, 'id')),
  }),
  adminRoute({
    method: 'post',
    path: '/plans/{id}/versions',
    operationId: 'createPlanVersion',
    summary: 'Make the next version of a plan',
    description:
      'Members left out are taken over from the newest version, null removes an optional one. `limits` is replaced as a whole.',
    tag: 'plans',
    params: planParams,
    body: versionSchema,
    example: { limits: EXAMPLE.limits, apply: 'now' },
    status: 201,
    reply: planReplySchema,
    errors: ['not_found'],
    async handle({ params, body }, { store }) {
      const current = await findPlan(store, params.id, 'id');
      const plan = nextPlan(current.plan, body);
      assertMoney(plan);
      return showPlan(await store.directory.addPlanVersion(plan, body.apply ?? 'period_end'));
    },
  }),
];
