/**
 * Customers and their subscriptions.
 *
 * @module
 */
import { z } from 'zod';
import { SUBSCRIPTION_STATUSES } from '../../../contracts/metering.ts';
import { parseUsd } from '../../../contracts/money.ts';
import type {
  CustomerRecord,
  PlanRecord,
  SubscriptionPatch,
  SubscriptionRecord,
} from '../../../metering/ports.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer, findPlan } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  formatTimeOrNull,
  lineSchema,
  listSchema,
  pageOf,
  pageQuery,
  timeSchema,
} from '../shapes.ts';
import { assertTimeZone, parseAnchor } from '../wall-clock.ts';

const cadenceSchema = z.enum(['month', 'year']);

const subscriptionSchema = z
  .strictObject({
    id: z.string(),
    status: z.enum(SUBSCRIPTION_STATUSES),
    plan: z.strictObject({ id: z.string(), version: z.int() }),
    cadence: cadenceSchema,
    timezone: z.string(),
    anchor: z.string().describe('Wall-clock time in `timezone` from which periods are counted.'),
    trial_end: timeSchema.nullable(),
    grace_until: timeSchema.nullable(),
    cancel_at: timeSchema.nullable(),
    period: z.strictObject({ id: z.string(), start: timeSchema, end: timeSchema }),
    rev: z.int().describe('Grows with every change.'),
  })
  .meta({ id: 'Subscription' });

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

const customerRowSchema = z
  .strictObject({
    id: z.string(),
    externalId: z.string(),
    name: z.string().nullable(),
    created_at: timeSchema,
  })
  .meta({ id: 'CustomerRow' });

const customerSchema = customerRowSchema
  .extend({ subscription: subscriptionSchema })
  .meta({ id: 'Customer' });

const newCustomerSchema = z
  .strictObject({
    externalId: lineSchema(200)
      .refine((id) => !id.startsWith('cus_'), {
        error: 'must not begin with "cus_": that is how our own ids are told apart',
      })
      .refine((id) => id === id.trim(), { error: 'must not begin or end with white space' })
      .describe('Your own id of the customer; it serves wherever a customer is named.'),
    plan: z.string().min(1).max(200).describe('Id of the plan.'),
    name: lineSchema(200).nullable().optional(),
    trial_days: z
      .int()
      .positive()
      .max(730)
      .optional()
      .describe('Starts with a trial of this many days.'),
    cadence: cadenceSchema
      .optional()
      .describe('Length of a subscription year or month; `month` by default.'),
    anchor: z
      .string()
      .max(40)
      .optional()
      .describe('Wall-clock time in `timezone` from which periods are counted; now by default.'),
    timezone: z.string().min(1).max(64).optional().describe('IANA zone; `UTC` by default.'),
  })
  .meta({ id: 'CustomerInput' });

const patchSchema = z
  .strictObject({
    plan: z.string().min(1).max(200).optional().describe('Id of the plan to move to.'),
    status: z.enum(SUBSCRIPTION_STATUSES).optional(),
    at: z
      .enum(['now', 'period_end'])
      .optional()
      .describe('Default: `period_end` for a mere move to a cheaper plan, else `now`.'),
    mode: z
      .enum(['keep_used', 'prorate', 'restart'])
      .optional()
      .describe(
        'What a change of plan at once does to the running period: keep what is used (default), prorate the allowance, or begin a new period.',
      ),
  })
  .meta({ id: 'SubscriptionPatch' });

const params = z.strictObject({ id: customerNameSchema });

function showSubscription(record: SubscriptionRecord): z.input<typeof subscriptionSchema> {
  return {
    id: record.id,
    status: record.status,
    plan: { id: record.planId, version: record.planVersion },
    cadence: record.cadence,
    timezone: record.timezone,
    anchor: record.anchorLocal,
    trial_end: formatTimeOrNull(record.trialEndMs),
    grace_until: formatTimeOrNull(record.graceUntilMs),
    cancel_at: formatTimeOrNull(record.cancelAtMs),
    period: {
      id: record.period.id,
      start: formatTime(record.period.startMs),
      end: formatTime(record.period.endMs),
    },
    rev: record.rev,
  };
}

function showCustomerRow(record: CustomerRecord): z.input<typeof customerRowSchema> {
  return {
    id: record.id,
    externalId: record.externalId,
    name: record.name,
    created_at: formatTime(record.createdAtMs),
  };
}

function showCustomer(found: {
  readonly customer: CustomerRecord;
  readonly subscription: SubscriptionRecord;
}): z.input<typeof customerSchema> {
  return {
    ...showCustomerRow(found.customer),
    subscription: showSubscription(found.subscription),
  };
}

function assertChange({ plan, status, mode, at }: z.output<typeof patchSchema>): void {
  if (plan === undefined && status === undefined && mode !== 'restart') {
    throw invalidRequest('', 'name the "plan" or the "status" to change to, or "mode": "restart".');
  }
  if (plan === undefined && mode !== undefined && mode !== 'restart') {
    throw invalidRequest('mode', `"${mode}" goes with a change of "plan".`);
  }
  if (mode !== undefined && mode !== 'keep_used' && at === 'period_end') {
    throw invalidRequest('mode', `"${mode}" is possible at once only ("at": "now").`);
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

/** Routes below `/customers`. */
export const customerRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/customers',
    operationId: 'createCustomer',
    summary: 'Create a customer with a subscription',
    description:
      'The subscription is active, monthly and anchored now in UTC unless said otherwise.',
    tag: 'customers',
    body: newCustomerSchema,
    example: { externalId: 'user-1', plan: 'starter' },
    status: 201,
    reply: customerSchema,
    errors: ['conflict', 'not_found'],
    async handle({ body }, { store, onCustomerChange }) {
      const timezone = body.timezone ?? 'UTC';
      assertTimeZone(timezone, 'timezone');
      const anchorLocal =
        body.anchor === undefined ? null : parseAnchor(body.anchor, timezone, 'anchor');
      await findPlan(store, body.plan, 'plan');
      const made = await store.directory.createCustomer({
        externalId: body.externalId,
        name: body.name ?? null,
        planId: body.plan,
        trialDays: body.trial_days ?? null,
        cadence: body.cadence ?? 'month',
        timezone,
        anchorLocal,
      });
      onCustomerChange(made.customer);
      return showCustomer(made);
    },
  }),
  adminRoute({
    method: 'get',
    path: '/customers',
    operationId: 'listCustomers',
    summary: 'List customers',
    tag: 'customers',
    query: z.strictObject(pageQuery),
    reply: listSchema(customerRowSchema),
    async handle({ query }, { store }) {
      const page = await store.directory.customers(pageOf(query));
      return { data: page.data.map(showCustomerRow), next_cursor: page.nextCursor };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/customers/{id}',
    operationId: 'getCustomer',
    summary: 'Read a customer',
    tag: 'customers',
    params,
    reply: customerSchema,
    errors: ['not_found'],
    handle: async (input, { store }) =>
      showCustomer(await findCustomer(store, input.params.id, 'id')),
  }),
  adminRoute({
    method: 'get',
    path: '/customers/{id}/subscription',
    operationId: 'getSubscription',
    summary: 'Read the subscription of a customer',
    tag: 'customers',
    params,
    reply: subscriptionSchema,
    errors: ['not_found'],
    handle: async (input, { store }) =>
      showSubscription((await findCustomer(store, input.params.id, 'id')).subscription),
  }),
  adminRoute({
    method: 'patch',
    path: '/customers/{id}/subscription',
    operationId: 'changeSubscription',
    summary: 'Change plan or status of a subscription',
    tag: 'customers',
    params,
    body: patchSchema,
    example: { plan: 'pro', at: 'now', mode: 'keep_used' },
    reply: changedSubscriptionSchema,
    errors: ['not_found', 'conflict'],
    async handle(input, { store, now }) {
      const { plan, status, at: askedAt, mode } = input.body;
      assertChange(input.body);
      const found = await findCustomer(store, input.params.id, 'id');
      const next = plan === undefined ? null : await findPlan(store, plan, 'plan');
      const waits = status === undefined && (mode ?? 'keep_used') === 'keep_used';
      const at = askedAt ?? (waits ? defaultAt(found.plan, next) : 'now');
      const patch: SubscriptionPatch = {
        ...(plan === undefined ? {} : { planId: plan }),
        ...(status === undefined ? {} : { status }),
        at,
        mode: mode ?? 'keep_used',
      };
      const changed = await store.directory.patchSubscription(found.customer.id, patch);
      const effectiveAtMs = at === 'now' ? now() : found.subscription.period.endMs;
      return {
        ...showSubscription(changed),
        change: {
          plan: plan ?? null,
          status: status ?? null,
          at: patch.at,
          mode: patch.mode,
          effective_at: formatTime(effectiveAtMs),
        },
      };
    },
  }),
];
