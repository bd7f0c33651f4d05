/**
 * Plans and their versions.
 *
 * @module
 */
import { z } from 'zod';
import { planSchema } from '../../../contracts/metering.ts';
import type { PlanRecord } from '../../../metering/ports.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findPlan, newestPlans } from '../find.ts';
import { assertMoney, nextPlan, PLAN_EXAMPLE, planParams, versionSchema } from '../plan-shapes.ts';
import { formatTime, listSchema, pageInMemory, pageQuery, timeSchema } from '../shapes.ts';

const planReplySchema = planSchema
  .extend({
    version: z.int().describe('Counts from 1; versions never change.'),
    created_at: timeSchema,
  })
  .meta({ id: 'Plan' });

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
    example: PLAN_EXAMPLE,
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
    example: { limits: PLAN_EXAMPLE.limits, apply: 'now' },
    status: 201,
    reply: planReplySchema,
    errors: ['not_found'],
    async handle({ params, body }, { store }) {
      const current = await findPlan(store, params.id, 'id');
      const { apply = 'period_end', ...change } = body;
      const plan = nextPlan(current.plan, change);
      assertMoney(plan);
      return showPlan(await store.directory.addPlanVersion(plan, apply));
    },
  }),
];
