/**
 * Requests as they were recorded: never prompts or answers.
 *
 * @module
 */
import { z } from 'zod';
import { publicPriceId } from '../../../catalog/price-rules.ts';
import { OPERATIONS } from '../../../contracts/metering.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { formatUsd } from '../../../contracts/money.ts';
import { COUNTED_UNITS, type UsageVector } from '../../../contracts/usage.ts';
import type { AttemptRecord, RequestDetail, RequestRecord } from '../../../metering/ports.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  formatTimeOrNull,
  instantSchema,
  listSchema,
  pageOf,
  pageQuery,
  parseInstant,
  timeSchema,
  usdSchema,
} from '../shapes.ts';

const usageSchema = z
  .partialRecord(z.enum(COUNTED_UNITS), z.int())
  .meta({ id: 'UsageVector', description: 'Counts by class; an absent class is zero.' });

const requestSchema = z
  .strictObject({
    id: z.string(),
    customer: z.string(),
    key: z.string(),
    operation: z.enum(OPERATIONS),
    model: z.string().describe('As the caller named it.'),
    provider: z.string().nullable(),
    model_served: z.string().nullable(),
    status: z.int(),
    error_code: z.string().nullable(),
    stream: z.boolean(),
    client_closed: z.boolean(),
    started_at: timeSchema,
    first_token_at: timeSchema.nullable(),
    finished_at: timeSchema,
    duration_ms: z.int(),
    overhead_ms: z.number(),
    attempts: z.int(),
    usage: usageSchema,
    cost: usdSchema,
    estimated: z
      .boolean()
      .describe('The provider sent no usage; the counts are the gateway’s own.'),
    simulated: z.boolean(),
    warnings: z.array(z.string()),
    tags: z.record(z.string(), z.string()).nullable(),
  })
  .meta({ id: 'Request' });

const attemptSchema = z
  .strictObject({
    n: z.int(),
    provider: z.string(),
    model_requested: z.string(),
    model_served: z.string().nullable(),
    provider_request_id: z.string().nullable(),
    dispatched_at: timeSchema,
    first_byte_at: timeSchema.nullable(),
    finished_at: timeSchema,
    outcome: z.string(),
    http_status: z.int().nullable(),
    billable: z.enum(['yes', 'no', 'unknown']),
    usage: usageSchema,
    estimated: z.boolean(),
    cost: usdSchema,
    price: z.string().nullable().describe('Id of the price item.'),
  })
  .meta({ id: 'Attempt' });

/** One request as both planes answer it. */
export const requestDetailSchema = requestSchema
  .extend({
    hold: z
      .strictObject({
        id: z.string(),
        state: z.string(),
        legs: z.array(z.strictObject({ limit: z.string(), amount: z.string() })),
      })
      .nullable()
      .describe('What was reserved, by limit.'),
    attempt_rows: z.array(attemptSchema),
  })
  .meta({ id: 'RequestDetail' });

function showUsage(usage: UsageVector): z.input<typeof usageSchema> {
  const shown: Partial<Record<(typeof COUNTED_UNITS)[number], number>> = {};
  for (const unit of COUNTED_UNITS) {
    const count = usage[unit];
    if (count !== undefined && count !== 0) shown[unit] = count;
  }
  return shown;
}

/** A request as lists and exports show it. */
export function showRequest(record: RequestRecord): z.input<typeof requestSchema> {
  return {
    id: record.requestId,
    customer: record.customerId,
    key: record.keyId,
    operation: record.operation,
    model: record.modelAsked,
    provider: record.provider,
    model_served: record.modelServed,
    status: record.status,
    error_code: record.errorCode,
    stream: record.stream,
    client_closed: record.clientClosed,
    started_at: formatTime(record.startedAtMs),
    first_token_at: formatTimeOrNull(record.firstTokenAtMs),
    finished_at: formatTime(record.finishedAtMs),
    duration_ms: Math.round(record.finishedAtMs - record.startedAtMs),
    overhead_ms: record.overheadMs,
    attempts: record.attempts,
    usage: showUsage(record.usage),
    cost: formatUsd(record.costNanoUsd),
    estimated: record.estimated,
    simulated: record.simulated,
    warnings: [...record.warnings],
    tags: record.tags === null ? null : { ...record.tags },
  };
}

function showAttempt(attempt: AttemptRecord): z.input<typeof attemptSchema> {
  return {
    n: attempt.n,
    provider: attempt.provider,
    model_requested: attempt.modelRequested,
    model_served: attempt.modelServed,
    provider_request_id: attempt.providerRequestId,
    dispatched_at: formatTime(attempt.dispatchedAtMs),
    first_byte_at: formatTimeOrNull(attempt.firstByteAtMs),
    finished_at: formatTime(attempt.finishedAtMs),
    outcome: attempt.outcome,
    http_status: attempt.httpStatus,
    billable: attempt.billable,
    usage: showUsage(attempt.usage),
    estimated: attempt.estimated,
    cost: formatUsd(attempt.costNanoUsd),
    price: attempt.priceItemId,
  };
}

/** A request with its attempts and its hold. */
function showDetail(detail: RequestDetail): z.input<typeof requestDetailSchema> {
  const { hold } = detail;
  return {
    ...showRequest(detail),
    hold:
      hold === null
        ? null
        : {
            id: hold.id,
            state: hold.state,
            legs: hold.legs.map((leg) => ({ limit: leg.limit, amount: leg.amount })),
          },
    attempt_rows: detail.attemptRows.map(showAttempt),
  };
}

/** The same for the customer itself, to whom ids of prices tell nothing of price rules. */
export function showOwnDetail(detail: RequestDetail): z.input<typeof requestDetailSchema> {
  const shown = showDetail(detail);
  return {
    ...shown,
    attempt_rows: shown.attempt_rows.map((attempt) => ({
      ...attempt,
      price: attempt.price === null ? null : publicPriceId(attempt.price),
    })),
  };
}

/** Routes below `/requests`. */
export const requestRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/requests',
    operationId: 'listRequests',
    summary: 'List requests, newest first',
    tag: 'requests',
    query: z.strictObject({
      ...pageQuery,
      customer: customerNameSchema.optional(),
      from: instantSchema.optional(),
      to: instantSchema.optional(),
    }),
    reply: listSchema(requestSchema),
    errors: ['not_found'],
    async handle({ query }, { store }) {
      const customerId =
        query.customer === undefined
          ? null
          : (await findCustomer(store, query.customer, 'customer')).customer.id;
      const page = await store.reader.requests({
        ...pageOf(query),
        customerId,
        fromMs: query.from === undefined ? null : parseInstant(query.from, 'from'),
        toMs: query.to === undefined ? null : parseInstant(query.to, 'to'),
      });
      return { data: page.data.map(showRequest), next_cursor: page.nextCursor };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/requests/{id}',
    operationId: 'getRequest',
    summary: 'Read a request with its attempts and its hold',
    tag: 'requests',
    params: z.strictObject({ id: z.string().min(1).max(200).describe('`req_…`') }),
    reply: requestDetailSchema,
    errors: ['not_found'],
    async handle({ params }, { store }) {
      const detail = await store.reader.request(params.id);
      if (detail === null) {
        throw new GatewayError('not_found', {
          message: `There is no request "${params.id}".`,
          param: 'id',
        });
      }
      return showDetail(detail);
    },
  }),
];
