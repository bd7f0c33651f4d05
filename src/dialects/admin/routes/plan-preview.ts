/**
 * `POST /plans/{id}/preview`: what a changed plan would be to those who have it, by what they used. Nothing is written.
 *
 * @module
 */
import { z } from 'zod';
import type { PlanInput } from '../../../contracts/metering.ts';
import { METERS } from '../../../contracts/metering.ts';
import { checkPlan } from '../../../metering/core/check-limits.ts';
import { type CompiledLimit, compilePlan } from '../../../metering/core/compiled-plan.ts';
import { amountText, notJudged } from '../../../metering/core/plan-preview.ts';
import type {
  CustomerPreview,
  PreviewBreach,
  PreviewFinding,
} from '../../../metering/plan-preview-port.ts';
import { adminRoute } from '../admin-route.ts';
import { findCustomer, findPlan } from '../find.ts';
import { assertMoney, nextPlan, planChangeShape, planParams } from '../plan-shapes.ts';
import {
  customerNameSchema,
  formatTime,
  formatTimeOrNull,
  pageOf,
  pageQuery,
  timeSchema,
} from '../shapes.ts';

const DAY_MS = 86_400_000;
const DAYS_DEFAULT = 30;

const bodySchema = z
  .strictObject({
    ...planChangeShape,
    days: z
      .int()
      .min(1)
      .max(366)
      .optional()
      .describe('Use of how many days is judged; 30 by default.'),
    customer: customerNameSchema
      .optional()
      .describe('Judge this customer alone, whatever plan it has: a move to this plan.'),
  })
  .meta({ id: 'PlanPreviewInput' });

const amountSchema = z
  .string()
  .nullable()
  .describe('A decimal string, `unlimited` or `disabled`; null: no such limit.');

const findingShape = {
  limit: z.string(),
  meter: z.enum(METERS),
  window: z.string(),
  key: z.string().nullable().describe('The key whose counter it is; null: the customer’s.'),
  now: amountSchema,
  after: amountSchema,
  times: z.int().describe('Days, periods … in which it is so.'),
  used: z.string().describe('In the one of most use.'),
  from: timeSchema.nullable().describe('When that one began; null for a lifetime.'),
  to: timeSchema.nullable(),
};

const breachSchema = z.strictObject({
  ...findingShape,
  effect: z
    .enum(['refused', 'overage', 'marked', 'credits'])
    .describe('What becomes of calls beyond it.'),
  first_at: timeSchema.describe('The hour in which it would have come to that.'),
  already: z.boolean().describe('True where the plan in force was gone beyond too.'),
});

const customerSchema = z.strictObject({
  customer: z.string().describe('`cus_…`'),
  externalId: z.string(),
  plan: z.strictObject({ id: z.string(), version: z.int() }).describe('As it is now.'),
  beyond: z.array(breachSchema).describe('Limits that its use goes beyond.'),
  relieved: z
    .array(z.strictObject(findingShape))
    .describe('Limits of which nine tenths or more were used, and that are raised or gone.'),
  models: z
    .array(z.strictObject({ model: z.string(), requests: z.int() }))
    .describe('Models it used that would not be allowed.'),
});

const replySchema = z
  .strictObject({
    plan: z.string(),
    version: z.int().describe('The newest version, which the change is laid over.'),
    from: timeSchema.describe('Use since that time is judged, and of the periods that ran at it.'),
    to: timeSchema,
    changes: z
      .array(z.strictObject({ limit: z.string(), now: amountSchema, after: amountSchema }))
      .describe('Limits that differ, by amount or otherwise.'),
    not_judged: z
      .array(
        z.strictObject({
          limit: z.string(),
          reason: z
            .enum(['window', 'scope'])
            .describe('`window`: single calls, rates, concurrency; `scope`: tags, client tokens.'),
        }),
      )
      .describe('Limits of the changed plan that use by the hour says nothing about.'),
    judged: z.int().describe('Customers looked at for this page.'),
    data: z.array(customerSchema).describe('Those to whom something would be otherwise.'),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'PlanPreview' });

function showFinding(finding: PreviewFinding): z.input<z.ZodObject<typeof findingShape>> {
  const { limitId, meter, window, keyId, now, after, times, used, box } = finding;
  const isLifetime = box.endMs === null;
  return {
    limit: limitId,
    meter,
    window,
    key: keyId,
    now,
    after,
    times,
    used,
    from: isLifetime ? null : formatTime(box.startMs),
    to: formatTimeOrNull(box.endMs),
  };
}

function showBreach(breach: PreviewBreach): z.input<typeof breachSchema> {
  const { effect, firstAtMs, already } = breach;
  return { ...showFinding(breach), effect, first_at: formatTime(firstAtMs), already };
}

function showCustomer(preview: CustomerPreview): z.input<typeof customerSchema> {
  const { customerId, externalId, plan, breaches, relieved, models } = preview;
  return {
    customer: customerId,
    externalId,
    plan,
    beyond: breaches.map(showBreach),
    relieved: relieved.map(showFinding),
    models: [...models],
  };
}

function limitsById(plan: PlanInput): ReadonlyMap<string, { said: string; limit: CompiledLimit }> {
  const { limits } = compilePlan(plan, 1);
  return new Map(
    limits.map((limit, index) => {
      const { id: _id, amount: _amount, ...rest } = plan.limits[index] ?? { amount: '' };
      const said = JSON.stringify(
        Object.entries(rest).toSorted(([one], [other]) => (one < other ? -1 : 1)),
      );
      return [limit.id, { said, limit }] as const;
    }),
  );
}

function changesBetween(
  current: PlanInput,
  changed: PlanInput,
): z.input<typeof replySchema>['changes'] {
  const [before, after] = [limitsById(current), limitsById(changed)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((id) => {
    const [one, other] = [before.get(id), after.get(id)];
    const amounts = {
      now: one === undefined ? null : amountText(one.limit),
      after: other === undefined ? null : amountText(other.limit),
    };
    const isSame = amounts.now === amounts.after && one?.said === other?.said;
    return isSame ? [] : [{ limit: id, ...amounts }];
  });
}

function unjudgedOf(plan: PlanInput): z.input<typeof replySchema>['not_judged'] {
  return compilePlan(plan, 1).limits.flatMap((limit) => {
    const reason = notJudged(limit);
    return reason === null ? [] : [{ limit: limit.id, reason }];
  });
}

export const planPreviewRoute = adminRoute({
  method: 'post',
  path: '/plans/{id}/preview',
  operationId: 'previewPlan',
  summary: 'See what a changed plan would be to those who have it',
  description:
    'Members as in `POST /admin/v1/plans/{id}/versions`, laid over the newest version; none: the plan as it is. Settled use of the last days, known by the hour, is counted by the plan in force and by the changed one: who would have been refused and when, who gains. Limits of single customers stay. What rolls over is not counted. Nothing is written; pages go through customers, so read on while `next_cursor` is not null.',
  tag: 'plans',
  params: planParams,
  query: z.strictObject(pageQuery),
  body: bodySchema,
  bodyRequired: false,
  example: { limits: [{ meter: 'requests', window: 'period', amount: 50 }], days: 30 },
  reply: replySchema,
  errors: ['not_found'],
  async handle({ params, query, body }, { store, now }) {
    const { days = DAYS_DEFAULT, customer, ...change } = body;
    const current = await findPlan(store, params.id, 'id');
    const plan = nextPlan(current.plan, change);
    assertMoney(plan);
    checkPlan(plan);
    const customerId =
      customer === undefined ? null : (await findCustomer(store, customer, 'customer')).customer.id;
    const fromMs = now() - days * DAY_MS;
    const page = await store.planPreviews.preview({ ...pageOf(query), plan, fromMs, customerId });
    return {
      plan: plan.id,
      version: current.version,
      from: formatTime(fromMs),
      to: formatTime(page.asOfMs),
      changes: changesBetween(current.plan, plan),
      not_judged: unjudgedOf(plan),
      judged: page.judged,
      data: page.data.map(showCustomer),
      next_cursor: page.nextCursor,
    };
  },
});
