/**
 * The routes of quotes as OpenAPI describes them.
 *
 * @module
 */
import { z } from 'zod';
import { METERS, SUBSCRIPTION_STATUSES } from '../contracts/metering.ts';
import { quoteRequestSchema } from '../dialects/quotes/schema.ts';
import { CALL_HEADERS, CUSTOMER_HEADERS } from './data-plane-headers.ts';
import { actionSchema, limitStatusSchema } from './data-plane-shapes.ts';
import type { RouteDescription } from './route-description.ts';

const usd = z.string().describe('US dollars, nine places.');
const range = { min: usd, expected: usd, max: usd };

const operationSchema = z.object({
  id: z.string(),
  allowed: z.boolean(),
  provider: z.string().nullable(),
  model: z.string().nullable().describe('`provider/model` that is tried first.'),
  resolved_from: z.enum(['model', 'name', 'alias']).nullable(),
  usage: z.array(z.object({ meter: z.enum(METERS), quantity: z.string() })),
  cost: z.object({
    ...range,
    lines: z
      .array(z.object({ unit: z.string(), quantity: z.string(), rate: usd, per: z.string() }))
      .describe('Account of `max`, of the dearest candidate.'),
  }).nullable().describe('Null where it is not known.'),
  confidence: z.enum(['exact', 'bounded', 'heuristic']).nullable(),
  provider_price: usd
    .nullable()
    .describe(
      'What the provider itself says that all uses cost, where it tells; calls are booked by the price book.',
    ),
  blocked_by: z.array(z.string()).describe('Ids of the limits that stand in the way.'),
  reason: z.object({ code: z.string(), message: z.string() }).nullable(),
  actions: z.array(actionSchema),
});

/** A quote as every route of them shows it. */
export const quoteSchema = z
  .object({
    id: z.string().describe('`qt_…`'),
    object: z.literal('quote'),
    can_proceed: z.boolean().describe('All operations are allowed, one after another.'),
    expires_at: z.iso.datetime(),
    as_of: z.iso.datetime(),
    price_book: z.string(),
    plan: z.object({ id: z.string(), version: z.int() }).nullable(),
    subscription: z.object({ status: z.enum(SUBSCRIPTION_STATUSES) }).nullable(),
    total: z.object({ ...range, currency: z.literal('USD') }),
    operations: z.array(operationSchema),
    limits: z.array(
      limitStatusSchema.extend({
        requested: z.string(),
        after: z.string().describe('What would be left; negative where it does not fit.'),
        on_breach: z.enum(['deny', 'soft', 'overage']),
      }),
    ),
    hold: z
      .object({
        token: z.string().describe('For the header `x-gateway-quote`.'),
        expires_at: z.iso.datetime(),
        legs: z.array(
          z.object({
            operation: z.string(),
            uses: z.int(),
            uses_left: z.int(),
            state: z.enum(['open', 'used', 'released', 'expired']),
          }),
        ),
      })
      .nullable(),
    warnings: z.array(z.object({ code: z.string(), operation: z.string(), message: z.string() })),
  })
  .meta({ id: 'Quote' });

const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
const params = z.object({ id: z.string().describe('`qt_…`') });
const common = { tag: 'money', access: 'data', headers: CUSTOMER_HEADERS } as const;

const requestSchema = quoteRequestSchema.meta({ id: 'QuoteRequest' });

function creating(path: string, operationId: string): RouteDescription {
  return {
    ...common,
    headers: CALL_HEADERS.pick({
      'x-gateway-customer': true,
      'x-gateway-tags': true,
      'Idempotency-Key': true,
    }),
    method: 'post',
    path,
    operationId,
    summary: 'Judge operations before they run, and hold what they need',
    description:
      'Judges many operations of any modality one after another, each after what those before it would take, and answers 200 whatever the verdict. With `hold` it reserves what is allowed: a call that names `hold.token` in `x-gateway-quote` then cannot be refused for money or quota until the quote expires, and is priced by the quote’s price book.',
    body: {
      schema: requestSchema,
      required: true,
      example: {
        operations: [
          {
            id: 'draft',
            type: 'text.generate',
            model: 'sim/chat',
            input: { tokens: 1800 },
            output: { max_tokens: 1200 },
          },
        ],
        hold: { mode: 'all_or_nothing', ttl_s: 600 },
      },
    },
    reply: { status: 200, description: 'The quote.', content: json(quoteSchema) },
    errors: [
      'invalid_request',
      'not_found',
      'payload_too_large',
      'unsupported_media_type',
      'idempotency_mismatch',
      'idempotency_in_flight',
      'idempotency_completed',
      'metering_unavailable',
      'overloaded',
      'draining',
      'loop_detected',
    ],
  };
}

/** Every route of quotes. */
export const QUOTE_ROUTES: readonly RouteDescription[] = [
  creating('/v1/quotes', 'createQuote'),
  creating('/v1/preflight', 'createPreflight'),
  {
    ...common,
    method: 'get',
    path: '/v1/quotes/{id}',
    operationId: 'getQuote',
    summary: 'Read a quote, with the uses that are left of what it holds',
    params,
    reply: { status: 200, description: 'The quote.', content: json(quoteSchema) },
    errors: ['invalid_request', 'not_found', 'metering_unavailable'],
  },
  {
    ...common,
    method: 'delete',
    path: '/v1/quotes/{id}',
    operationId: 'releaseQuote',
    summary: 'Free what no call has drawn of a quote',
    params,
    reply: {
      status: 200,
      description: 'The quote, released.',
      content: json(quoteSchema.extend({ deleted: z.literal(true) })),
    },
    errors: ['invalid_request', 'not_found', 'metering_unavailable'],
  },
];
