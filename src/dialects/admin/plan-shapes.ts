/**
 * Plans as bodies describe them: whole, and as the change that makes the next version.
 *
 * @module
 */
import { z } from 'zod';
import { planSchema, type PlanInput } from '../../contracts/metering.ts';
import { invalidRequest } from '../validation.ts';

const { id: planIdSchema, ...content } = planSchema.shape;

/** Members of the next version; `apply` is no part of the plan. */
export const planChangeShape = {
  id: planIdSchema.optional().describe('May be repeated; it cannot change.'),
  name: content.name.optional(),
  price_usd: content.price_usd.unwrap().nullable().optional(),
  models: content.models.unwrap().nullable().optional(),
  features: content.features.unwrap().nullable().optional(),
  funding: content.funding,
  on_metering_outage: content.on_metering_outage,
  max_quote_ttl_s: content.max_quote_ttl_s.unwrap().nullable().optional(),
  limits: content.limits.optional(),
};

export const versionSchema = z
  .strictObject({
    ...planChangeShape,
    apply: z
      .enum(['now', 'period_end'])
      .optional()
      .describe('When subscriptions go over to it: at once, or with their next period (default).'),
  })
  .meta({ id: 'PlanVersionInput' });

/** What a version says otherwise than the one before. */
export type PlanChange = Omit<z.output<typeof versionSchema>, 'apply'>;

/** A plan as documents show one. */
export const PLAN_EXAMPLE = {
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

export const planParams = z.strictObject({
  id: z.string().min(1).max(200).describe('Id of the plan.'),
});

/** @throws GatewayError `invalid_request` naming the price that is none */
export function assertMoney(plan: PlanInput): void {
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
export function nextPlan(current: PlanInput, change: PlanChange): PlanInput {
  const { id, ...members } = change;
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
