/**
 * The life of a subscription: state, plan, trial, cancellation, and the course of its periods.
 *
 * @module
 */
import { z } from 'zod';
import { SUBSCRIPTION_STATUSES } from '../../../contracts/metering.ts';
import { parseUsd } from '../../../contracts/money.ts';
import type { PlanRecord, SubscriptionPatch } from '../../../metering/ports.ts';
import { REVOCABLE_CHANGES, type RevocableChange } from '../../../metering/subscription-port.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer, findPlan, type FoundCustomer } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  instantSchema,
  parseInstant,
  timeSchema,
} from '../shapes.ts';
import { cadenceSchema, showSubscription, subscriptionSchema } from '../subscription-shapes.ts';
import { assertTimeZone, parseAnchor } from '../wall-clock.ts';

const changedSubscriptionSchema = subscriptionSchema
  .extend({
    change: z
      .strictObject({
        plan: z.string().nullable(),
        status: z.enum(SUBSCRIPTION_STATUSES).nullable(),
        at: z.enum(['now', 'period_end']),
        mode: z.enum(['keep_used', 'prorate', 'restart']),
        effective_at: timeSchema,
      })
      .describe(
        'What was asked for, with the defaults that were applied, and when it takes effect.',
      ),
  })
  .meta({ id: 'ChangedSubscription' });

const patchSchema = z
  .strictObject({
    plan: z.string().min(1).max(200).optional().describe('Id of the plan to move to.'),
    status: z
      .enum(SUBSCRIPTION_STATUSES)
      .optional()
      .describe(
        '`active` during a trial ends it with a payment: at once, or with `at: "period_end"` when its time is over.',
      ),
    at: z
      .enum(['now', 'period_end'])
      .optional()
      .describe(
        'When plan or status change; `period_end` is the end of what is paid for (`term_end`). Default: `period_end` for a mere move to a cheaper plan, else `now`.',
      ),
    mode: z
      .enum(['keep_used', 'prorate', 'restart'])
      .optional()
      .describe(
        'What a change of plan at once does to the running period: keep what is used (default), prorate the allowance, or begin a new period.',
      ),
    cancel_at: instantSchema
      .nullable()
      .optional()
      .describe('When the subscription ends; `null` calls a cancellation off.'),
    grace_until: instantSchema
      .nullable()
      .optional()
      .describe('Until when a `past_due` subscription may still call; `null`: not at all.'),
    trial_end: instantSchema
      .optional()
      .describe('New end of a running trial, or the end of the one that `status: "trial"` begins.'),
    cadence: cadenceSchema.optional(),
    anchor: z
      .string()
      .max(40)
      .optional()
      .describe('Wall-clock time from which the periods after the running one are counted.'),
    timezone: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('IANA zone; of days, weeks and hours at once, of periods after the running one.'),
  })
  .meta({ id: 'SubscriptionPatch' });

type PatchBody = z.output<typeof patchSchema>;

const customerParams = z.strictObject({ id: customerNameSchema });

function assertChange(body: PatchBody): void {
  const { plan, status, mode, at } = body;
  const { at: _at, mode: _mode, ...members } = body;
  if (mode !== 'restart' && Object.values(members).every((value) => value === undefined)) {
    throw invalidRequest(
      '',
      'name what is to change, such as "plan", "status" or "cancel_at", or "mode": "restart".',
    );
  }
  if (plan === undefined && mode !== undefined && mode !== 'restart') {
    throw invalidRequest('mode', `"${mode}" goes with a change of "plan".`);
  }
  if (mode !== undefined && mode !== 'keep_used' && at === 'period_end') {
    throw invalidRequest('mode', `"${mode}" is possible at once only ("at": "now").`);
  }
  if (mode === 'restart' && (body.anchor ?? body.timezone) !== undefined) {
    throw invalidRequest(
      'mode',
      '"restart" anchors the periods now: change "anchor" or "timezone" apart from it.',
    );
  }
  if (status === 'cancelled' && body.cancel_at !== undefined) {
    throw invalidRequest('cancel_at', 'is for a later end: leave out either it or "status".');
  }
}

/** A move to a plan with a lower price waits for the period's end: its allowance is paid for. */
function defaultAt(current: PlanRecord, next: PlanRecord | null): SubscriptionPatch['at'] {
  const from = current.plan.price_usd?.month;
  const to = next?.plan.price_usd?.month;
  if (from === undefined || to === undefined) return 'now';
  const isCheaper = parseUsd(to, 'price_usd.month') < parseUsd(from, 'price_usd.month');
  return isCheaper ? 'period_end' : 'now';
}

function revocable(change: string): RevocableChange {
  const known = REVOCABLE_CHANGES.find((name) => name === change);
  if (known !== undefined) return known;
  throw invalidRequest('change', `must be one of ${REVOCABLE_CHANGES.join(', ')}.`);
}

function momentOf(text: string | null, param: string): number | null {
  return text === null ? null : parseInstant(text, param);
}

/** What the body asks for, in the terms of the port; times and zones are checked here. */
function toPatch(
  body: PatchBody,
  found: FoundCustomer,
  next: PlanRecord | null,
): SubscriptionPatch {
  const { plan, status, mode = 'keep_used', cadence, timezone, anchor } = body;
  const { cancel_at: cancelAt, grace_until: graceUntil, trial_end: trialEnd } = body;
  const waits = status === undefined && mode === 'keep_used';
  if (timezone !== undefined) assertTimeZone(timezone, 'timezone');
  const zone = timezone ?? found.subscription.timezone;
  return {
    at: body.at ?? (waits ? defaultAt(found.plan, next) : 'now'),
    mode,
    ...(plan === undefined ? {} : { planId: plan }),
    ...(status === undefined ? {} : { status }),
    ...(cancelAt === undefined ? {} : { cancelAtMs: momentOf(cancelAt, 'cancel_at') }),
    ...(graceUntil === undefined ? {} : { graceUntilMs: momentOf(graceUntil, 'grace_until') }),
    ...(trialEnd === undefined ? {} : { trialEndMs: parseInstant(trialEnd, 'trial_end') }),
    ...(cadence === undefined ? {} : { cadence }),
    ...(timezone === undefined ? {} : { timezone }),
    ...(anchor === undefined ? {} : { anchorLocal: parseAnchor(anchor, zone, 'anchor') }),
  };
}

/** Routes below `/customers/{id}/subscription`. */
export const subscriptionRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/customers/{id}/subscription',
    operationId: 'getSubscription',
    summary: 'Read the subscription of a customer',
    tag: 'customers',
    params: customerParams,
    reply: subscriptionSchema,
    errors: ['not_found'],
    handle: async (input, { store }) =>
      showSubscription((await findCustomer(store, input.params.id, 'id')).subscription),
  }),
  adminRoute({
    method: 'patch',
    path: '/customers/{id}/subscription',
    operationId: 'changeSubscription',
    summary: 'Change a subscription',
    description:
      'Members that are absent stay as they are; `null` removes. The last word on the plan counts: another change of plan that was scheduled is off.',
    tag: 'customers',
    params: customerParams,
    body: patchSchema,
    example: { plan: 'pro', at: 'now', mode: 'keep_used' },
    reply: changedSubscriptionSchema,
    errors: ['not_found', 'conflict'],
    async handle({ params, body }, { store, now }) {
      assertChange(body);
      const found = await findCustomer(store, params.id, 'id');
      const next = body.plan === undefined ? null : await findPlan(store, body.plan, 'plan');
      const patch = toPatch(body, found, next);
      const changed = await store.directory.patchSubscription(found.customer.id, patch);
      const atOnce = patch.at === 'now';
      return {
        ...showSubscription(changed),
        change: {
          plan: body.plan ?? null,
          status: body.status ?? null,
          at: patch.at,
          mode: patch.mode,
          effective_at: formatTime(atOnce ? now() : found.subscription.termEndMs),
        },
      };
    },
  }),
  adminRoute({
    method: 'delete',
    path: '/customers/{id}/subscription/scheduled/{change}',
    operationId: 'revokeScheduledChange',
    summary: 'Call off a scheduled change of a subscription',
    tag: 'customers',
    params: customerParams.extend({
      change: z.string().max(20).describe('`plan`, `cancel` or `activate`.'),
    }),
    reply: subscriptionSchema,
    errors: ['not_found'],
    async handle({ params }, { store }) {
      const { customer } = await findCustomer(store, params.id, 'id');
      return showSubscription(
        await store.subscriptions.revokeScheduled(customer.id, revocable(params.change)),
      );
    },
  }),
];
