/**
 * Events by which a payment system drives subscriptions.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import {
  RECORDED_EVENT_TYPES,
  SUBSCRIPTION_EVENT_TYPES,
  type SubscriptionEvent,
  type SubscriptionEventRecord,
} from '../../../metering/subscription-port.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  instantSchema,
  lineSchema,
  listSchema,
  pageOf,
  pageQuery,
  parseInstant,
  timeSchema,
} from '../shapes.ts';
import { cadenceSchema } from '../subscription-shapes.ts';
import { assertTimeZone, parseAnchor } from '../wall-clock.ts';

/** Clocks of two machines may differ by so much. */
const SKEW_MS = 5 * 60_000;

const bodySchema = z
  .strictObject({
    id: lineSchema(200).describe('Unique among the events of its source.'),
    type: z.enum(SUBSCRIPTION_EVENT_TYPES),
    occurred_at: instantSchema.describe(
      'When it happened. An event changes nothing that a newer one, or an operator, has set.',
    ),
    sequence: z
      .int()
      .min(0)
      .max(1_000_000_000)
      .optional()
      .describe('Order of events of one moment; 0 by default.'),
    source: z
      .string()
      .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, { error: 'must be letters, digits, _ and -' })
      .optional()
      .describe('Which payment system tells it; `api` by default.'),
    customer: customerNameSchema,
    subscription: lineSchema(200)
      .optional()
      .describe(
        'The payment system’s id of the subscription: one that another of the customer has taken the place of ends nothing.',
      ),
    unknown_customer: z
      .enum(['refuse', 'create'])
      .optional()
      .describe(
        'What becomes of a customer who does not exist: 404 (default), or made with `plan`.',
      ),
    name: lineSchema(200).nullable().optional().describe('Name of a customer that is made.'),
    plan: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Plan that counts from now on; needed for `subscription.plan_changed`.'),
    at: z
      .enum(['now', 'period_end'])
      .optional()
      .describe('When a change of plan or a cancellation takes effect; `now` by default.'),
    mode: z
      .enum(['keep_used', 'prorate', 'restart'])
      .optional()
      .describe('What a change of plan at once does to the running period.'),
    trial_end: instantSchema.optional().describe('Needed for `subscription.trial_started`.'),
    trial_converts: z
      .boolean()
      .optional()
      .describe('True where the trial becomes a paid subscription at its end by itself.'),
    grace_until: instantSchema.nullable().optional(),
    cancel_at: instantSchema.nullable().optional(),
    cadence: cadenceSchema.optional(),
    timezone: z.string().min(1).max(64).optional(),
    anchor: z.string().max(40).optional(),
  })
  .meta({ id: 'SubscriptionEventInput' });

type Body = z.output<typeof bodySchema>;

const eventSchema = z
  .strictObject({
    id: z.string(),
    source: z.string(),
    type: z.enum(RECORDED_EVENT_TYPES),
    customer: z.string().nullable().describe('`cus_…`; null where there is none such.'),
    occurred_at: timeSchema,
    received_at: timeSchema,
    outcome: z
      .enum(['applied', 'ignored', 'failed'])
      .describe('A failed event is tried anew when it is sent again with the same id.'),
    reason: z.string().nullable(),
    tries: z.int(),
  })
  .meta({ id: 'SubscriptionEvent' });

const listedSchema = eventSchema
  .extend({ body: z.unknown().describe('The event as it came.') })
  .meta({ id: 'ListedSubscriptionEvent' });

function showEvent(record: SubscriptionEventRecord): z.input<typeof eventSchema> {
  return {
    id: record.id,
    source: record.source,
    type: record.type,
    customer: record.customerId,
    occurred_at: formatTime(record.occurredAtMs),
    received_at: formatTime(record.receivedAtMs),
    outcome: record.outcome,
    reason: record.reason,
    tries: record.tries,
  };
}

/** Equal for bodies that say the same, whatever the order of their members. */
function fingerprintOf(body: Body): string {
  const members = Object.entries(body).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

function assertMembers(body: Body): void {
  if (body.type === 'subscription.trial_started' && body.trial_end === undefined) {
    throw invalidRequest('trial_end', 'a trial that starts needs "trial_end".');
  }
  if (body.type === 'subscription.plan_changed' && body.plan === undefined) {
    throw invalidRequest('plan', 'a change of plan needs "plan".');
  }
  if (body.at === 'period_end' && body.mode !== undefined && body.mode !== 'keep_used') {
    throw invalidRequest('mode', `"${body.mode}" is possible at once only ("at": "now").`);
  }
}

function instantOrNull(text: string | null, param: string): number | null {
  return text === null ? null : parseInstant(text, param);
}

function toEvent(body: Body, nowMs: number): SubscriptionEvent {
  const { cadence, timezone = 'UTC', anchor, plan } = body;
  const { trial_end: trialEnd, grace_until: graceUntil, cancel_at: cancelAt } = body;
  const occurredAtMs = parseInstant(body.occurred_at, 'occurred_at');
  if (occurredAtMs > nowMs + SKEW_MS) {
    throw invalidRequest('occurred_at', 'lies in the future.');
  }
  assertTimeZone(timezone, 'timezone');
  return {
    source: body.source ?? 'api',
    id: body.id,
    type: body.type,
    occurredAtMs,
    sequence: body.sequence ?? 0,
    customer: body.customer,
    payer: null,
    reference: body.subscription ?? null,
    onlyFrom: null,
    unknownCustomer: body.unknown_customer ?? 'refuse',
    name: body.name ?? null,
    at: body.at ?? 'now',
    mode: body.mode ?? 'keep_used',
    trialConverts: body.trial_converts ?? false,
    graceStands: false,
    ...(plan === undefined ? {} : { planId: plan }),
    ...(trialEnd === undefined ? {} : { trialEndMs: parseInstant(trialEnd, 'trial_end') }),
    ...(graceUntil === undefined ? {} : { graceUntilMs: instantOrNull(graceUntil, 'grace_until') }),
    ...(cancelAt === undefined ? {} : { cancelAtMs: instantOrNull(cancelAt, 'cancel_at') }),
    ...(cadence === undefined ? {} : { cadence }),
    ...(body.timezone === undefined ? {} : { timezone }),
    ...(anchor === undefined ? {} : { anchorLocal: parseAnchor(anchor, timezone, 'anchor') }),
    fingerprint: fingerprintOf(body),
    body: JSON.stringify(body),
  };
}

/** Routes below `/subscription-events`. */
export const subscriptionEventRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/subscription-events',
    operationId: 'recordSubscriptionEvent',
    summary: 'Tell of something that happened to a subscription',
    description:
      'Safe to repeat: an event is applied once, and the same id with the same body gets the same answer. Safe in any order: an event that is older than what set the state, the plan or the cancellation last leaves it as it is.',
    tag: 'customers',
    body: bodySchema,
    example: {
      id: 'inv-2026-12',
      type: 'subscription.renewed',
      occurred_at: '2026-12-01T00:00:00Z',
      customer: 'user-1',
    },
    reply: eventSchema,
    errors: ['not_found', 'idempotency_mismatch'],
    async handle({ body }, { store, now, onCustomerChange }) {
      assertMembers(body);
      const recorded = await store.subscriptions.recordEvent(toEvent(body, now()));
      if (recorded.created !== null) onCustomerChange(recorded.created);
      const { failure } = recorded;
      if (failure !== null) {
        throw new GatewayError(failure.code, { message: failure.message, param: failure.param });
      }
      return showEvent(recorded.event);
    },
  }),
  adminRoute({
    method: 'get',
    path: '/subscription-events',
    operationId: 'listSubscriptionEvents',
    summary: 'List what payment systems told, newest first',
    tag: 'customers',
    query: z.strictObject({ ...pageQuery, customer: customerNameSchema.optional() }),
    reply: listSchema(listedSchema),
    errors: ['not_found'],
    async handle({ query }, { store }) {
      const { customer } = query;
      const found = customer === undefined ? null : await findCustomer(store, customer, 'customer');
      const page = await store.subscriptions.events({
        ...pageOf(query),
        customerId: found?.customer.id ?? null,
      });
      return {
        data: page.data.map((record) => ({
          ...showEvent(record),
          body: JSON.parse(record.body) as unknown,
        })),
        next_cursor: page.nextCursor,
      };
    },
  }),
];
