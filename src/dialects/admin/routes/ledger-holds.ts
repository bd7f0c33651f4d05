/**
 * Open holds: what stands reserved, since when, and how an operator ends those whose end nobody saw.
 *
 * @module
 */
import { z } from 'zod';
import { formatUsd, parseUsd } from '../../../contracts/money.ts';
import type { HoldOutcome, OpenHoldView } from '../../../metering/ledger-operations-port.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import {
  formatTime,
  formatTimeOrNull,
  listSchema,
  pageInMemory,
  pageQuery,
  timeSchema,
  usdSchema,
} from '../shapes.ts';

const stateSchema = z.enum(['held', 'dispatched', 'unknown']);

const holdSchema = z
  .strictObject({
    id: z.string(),
    state: stateSchema,
    customer: z.string(),
    key: z.string(),
    request: z.string(),
    operation: z.string(),
    cost: usdSchema.describe('Worst case of cost that it reserves.'),
    created_at: timeSchema,
    expires_at: timeSchema.nullable(),
    unknown_since: timeSchema.nullable(),
    age_ms: z.int(),
  })
  .meta({ id: 'OpenHold' });

function showHold(hold: OpenHoldView, nowMs: number): z.input<typeof holdSchema> {
  return {
    id: hold.holdId,
    state: hold.state,
    customer: hold.customerId,
    key: hold.keyId,
    request: hold.requestId,
    operation: hold.operation,
    cost: formatUsd(hold.costNanoUsd),
    created_at: formatTime(hold.createdAtMs),
    expires_at: formatTimeOrNull(hold.expiresAtMs),
    unknown_since: formatTimeOrNull(hold.unknownSinceMs),
    age_ms: Math.max(0, nowMs - hold.createdAtMs),
  };
}

const tokensSchema = z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional();
const reasonSchema = z.string().min(1).max(500).optional().describe('Stands in the event.');

const outcomeSchema = z.discriminatedUnion('outcome', [
  z.strictObject({
    outcome: z
      .enum(['charge_observed', 'charge_hold', 'release'])
      .describe('As `metering.unknown_policy`.'),
    reason: reasonSchema,
  }),
  z.strictObject({
    outcome: z.literal('settle').describe('What the provider is known to have billed.'),
    cost: z
      .string()
      .regex(/^\d{1,9}(?:\.\d{1,9})?$/)
      .describe('US dollars, up to nine decimal places.'),
    input_tokens: tokensSchema,
    output_tokens: tokensSchema,
    reason: reasonSchema,
  }),
]);

function outcomeOf(body: z.output<typeof outcomeSchema>): HoldOutcome {
  if (body.outcome !== 'settle') return { type: body.outcome };
  const input = BigInt(body.input_tokens ?? 0);
  const output = BigInt(body.output_tokens ?? 0);
  return {
    type: 'settle',
    amounts: {
      requests: 1n,
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      cost_usd: parseUsd(body.cost, 'cost'),
    },
  };
}

export const ledgerHoldRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/ledger/holds',
    operationId: 'listOpenHolds',
    summary: 'List open holds, oldest first',
    tag: 'ledger',
    query: z.strictObject({ ...pageQuery, state: stateSchema.optional() }),
    reply: listSchema(holdSchema),
    async handle({ query }, { store, now }) {
      const holds = await store.ledgerOperations.openHolds();
      const fitting = holds.filter(
        ({ state }) => query.state === undefined || state === query.state,
      );
      const nowMs = now();
      const { data, next_cursor } = pageInMemory(
        fitting.map((hold) => showHold(hold, nowMs)),
        ({ created_at: createdAt, id }) => `${createdAt} ${id}`,
        query,
      );
      return { data: [...data], next_cursor };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/ledger/holds/{id}/reconcile',
    operationId: 'reconcileHold',
    summary: 'End an unknown hold',
    description:
      'Books what is decided and frees the rest, as a `reconcile` event that says that an operator decided. A settlement that still comes is booked as the difference.',
    tag: 'ledger',
    params: z.strictObject({ id: z.string().max(200) }),
    body: outcomeSchema,
    example: { outcome: 'settle', cost: '0.0123', input_tokens: 900, output_tokens: 120 },
    reply: z.strictObject({
      id: z.string(),
      type: z.enum(['settled', 'voided']),
      overrun: usdSchema,
    }),
    errors: ['not_found', 'conflict', 'metering_unavailable'],
    async handle({ params, body }, { store }) {
      const { type, overrunNanoUsd } = await store.ledgerOperations.endUnknown({
        holdId: params.id,
        outcome: outcomeOf(body),
        by: 'operator',
        reason: body.reason ?? null,
      });
      return { id: params.id, type, overrun: formatUsd(overrunNanoUsd) };
    },
  }),
];
