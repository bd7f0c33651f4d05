/**
 * The data plane's routes as OpenAPI describes them. The server has a router of its own; a test holds the two
 * against each other.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../contracts/error-codes.ts';
import { EXPORT_REPLY } from '../dialects/admin/admin-export.ts';
import { formatShape } from '../dialects/admin/export/export-table.ts';
import { alertSchema, ownAlertsQuery } from '../dialects/admin/routes/alerts.ts';
import { listSchema } from '../dialects/admin/shapes.ts';
import { requestDetailSchema } from '../dialects/admin/routes/requests.ts';
import { usageQueryShape, usageReportSchema } from '../dialects/admin/usage-question.ts';
import { chatRequestSchema } from '../dialects/openai/chat/schema.ts';
import { ALWRITY_ROUTES } from './alwrity-routes.ts';
import { CALL_HEADERS, CUSTOMER_HEADERS, PROVIDER_REPLY_HEADERS } from './data-plane-headers.ts';
import {
  chatCompletionSchema,
  limitStatusSchema,
  meSchema,
  modelSchema,
} from './data-plane-shapes.ts';
import { chatEventsSchema } from './event-shapes.ts';
import {
  clientTokenReplySchema,
  clientTokenRequestSchema,
} from '../dialects/client-tokens/schema.ts';
import { ASSET_ROUTES } from './asset-routes.ts';
import { jobRouteDescriptions } from './job-routes.ts';
import { operationRouteDescriptions } from './operation-routes.ts';
import { voiceRouteDescriptions } from './voice-routes.ts';
import { QUOTE_ROUTES } from './quote-routes.ts';
import type { RouteDescription } from './route-description.ts';

/** Codes of every call that is judged, dispatched and booked. */
export const CALL_ERRORS: readonly ErrorCode[] = [
  'invalid_request',
  'context_length_exceeded',
  'unpriced_model',
  'unbounded_cost',
  'subscription_inactive',
  'insufficient_funds',
  'not_in_plan',
  'model_not_allowed',
  'model_not_found',
  'not_found',
  'request_timeout',
  'payload_too_large',
  'unsupported_media_type',
  'content_filtered',
  'idempotency_mismatch',
  'idempotency_in_flight',
  'idempotency_completed',
  'limit_exceeded',
  'limit_held',
  'rate_limited',
  'concurrency_limited',
  'provider_auth',
  'provider_credit',
  'provider_rate_limited',
  'provider_error',
  'provider_timeout',
  'stream_interrupted',
  'metering_unavailable',
  'overloaded',
  'draining',
  'loop_detected',
];

const json = (schema: z.ZodType, example?: unknown) => ({
  'application/json': example === undefined ? { schema } : { schema, example },
});

const chatCompletions: RouteDescription = {
  method: 'post',
  path: '/v1/chat/completions',
  operationId: 'createChatCompletion',
  summary: 'Generate text',
  description:
    'OpenAI’s chat completions for every text model. Members that are not described here are passed on to a provider that speaks this protocol, unless `unknownParameters: refuse` is set.',
  tag: 'text',
  access: 'data',
  headers: CALL_HEADERS,
  body: {
    schema: chatRequestSchema.meta({ id: 'ChatRequest' }),
    required: true,
    example: { model: 'sim/chat', messages: [{ role: 'user', content: 'Say hello.' }] },
  },
  reply: {
    status: 200,
    description: 'The answer: whole, or as a stream where the request has `"stream": true`.',
    content: { ...json(chatCompletionSchema), 'text/event-stream': { schema: chatEventsSchema } },
    headers: PROVIDER_REPLY_HEADERS,
  },
  errors: CALL_ERRORS,
};

interface Reading {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tag: string;
  readonly schema: z.ZodType;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly errors?: readonly ErrorCode[];
}

/** A route that tells a key about itself. */
function reading({ schema, errors = [], ...route }: Reading): RouteDescription {
  return {
    method: 'get',
    access: 'data',
    headers: CUSTOMER_HEADERS,
    ...route,
    reply: { status: 200, description: 'Done.', content: json(schema) },
    errors: ['invalid_request', 'not_found', ...errors],
  };
}

interface ProcessRoute {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly content: RouteDescription['reply']['content'];
  readonly errors?: readonly ErrorCode[];
}

/** A route of the process itself, open to anyone who reaches it. */
function processRoute({ content, errors = [], ...route }: ProcessRoute): RouteDescription {
  const reply = { status: 200, description: 'Done.', content } as const;
  return { method: 'get', tag: 'process', access: 'public', ...route, reply, errors };
}

/** Every route of the data plane. */
export const DATA_PLANE_ROUTES: readonly RouteDescription[] = [
  chatCompletions,
  ...operationRouteDescriptions(CALL_ERRORS),
  ...voiceRouteDescriptions(CALL_ERRORS),
  ...jobRouteDescriptions(CALL_ERRORS),
  reading({
    path: '/v1/models',
    operationId: 'listModels',
    summary: 'List the models that the key may use',
    tag: 'models',
    schema: z.object({ object: z.literal('list'), data: z.array(modelSchema) }),
  }),
  reading({
    path: '/v1/models/{id}',
    operationId: 'getModel',
    summary: 'Read one model',
    tag: 'models',
    params: z.object({ id: z.string().describe('`provider/model` or an alias; slashes may stand.') }),
    schema: modelSchema,
    errors: ['model_not_found'],
  }),
  reading({
    path: '/v1/limits',
    operationId: 'getLimits',
    summary: 'What is used, held and left of each limit',
    tag: 'money',
    schema: z.object({ limits: z.array(limitStatusSchema) }),
    errors: ['metering_unavailable'],
  }),
  reading({
    path: '/v1/me',
    operationId: 'getMe',
    summary: 'Customer, subscription, limits and models of the key',
    tag: 'money',
    schema: meSchema,
    errors: ['metering_unavailable'],
  }),
  reading({
    path: '/v1/usage',
    operationId: 'getOwnUsage',
    summary: 'Usage of the current period, or of a range',
    tag: 'money',
    query: z.object(usageQueryShape),
    schema: usageReportSchema,
    errors: ['metering_unavailable'],
  }),
  {
    ...reading({
      path: '/v1/usage/export',
      operationId: 'exportOwnUsage',
      summary: 'Usage of the current period or of a range, as a file',
      tag: 'money',
      query: z.object({ ...usageQueryShape, ...formatShape }),
      schema: z.string(),
      errors: ['metering_unavailable'],
    }),
    reply: EXPORT_REPLY,
  },
  reading({
    path: '/v1/alerts',
    operationId: 'listOwnAlerts',
    summary: 'Alerts about your limits and spend, newest first',
    tag: 'money',
    query: ownAlertsQuery,
    schema: listSchema(alertSchema),
    errors: ['metering_unavailable'],
  }),
  ...QUOTE_ROUTES,
  ...ASSET_ROUTES,
  {
    method: 'post',
    path: '/v1/client-tokens',
    operationId: 'createClientToken',
    summary: 'Mint a short-lived token for a browser (service key)',
    description:
      'The token is sent like a key and acts as its customer. It ends with its time, or with the key that minted it; the key’s scopes and limits hold for it, too.',
    tag: 'money',
    access: 'data',
    headers: CALL_HEADERS.pick({ 'Idempotency-Key': true }),
    body: {
      schema: clientTokenRequestSchema,
      required: true,
      example: { customer: 'user-1', max_spend_usd: '0.50', expires_in_s: 900 },
    },
    reply: { status: 200, description: 'Done.', content: json(clientTokenReplySchema) },
    errors: [
      'invalid_request',
      'forbidden',
      'not_found',
      'idempotency_mismatch',
      'idempotency_in_flight',
      'idempotency_completed',
      'metering_unavailable',
    ],
  },
  reading({
    path: '/v1/requests/{id}',
    operationId: 'getOwnRequest',
    summary: 'Read one of your requests with its attempts and its hold',
    tag: 'money',
    params: z.object({ id: z.string().describe('`req_…`') }),
    schema: requestDetailSchema,
    errors: ['metering_unavailable'],
  }),
  ...ALWRITY_ROUTES,
  processRoute({
    path: '/health/live',
    operationId: 'live',
    summary: 'The process runs',
    content: json(z.object({ status: z.literal('live') })),
  }),
  processRoute({
    path: '/health/ready',
    operationId: 'ready',
    summary: 'The process accepts work',
    content: json(z.object({
        status: z.literal('ready'),
        unbooked: z
          .object({ ends: z.int(), oldest_ms: z.number() })
          .optional()
          .describe('Ends of calls that wait until the store takes them; absent where none does.'),
      })),
    errors: ['draining'],
  }),
  processRoute({
    path: '/metrics',
    operationId: 'metrics',
    summary: 'Figures in Prometheus’ text format',
    content: { 'text/plain': { schema: z.string() } },
  }),
  processRoute({
    path: '/docs/errors',
    operationId: 'errorDocs',
    summary: 'Every error code with its cause and what to do, in Markdown',
    content: { 'text/markdown': { schema: z.string() } },
  }),
  processRoute({
    path: '/openapi.json',
    operationId: 'openapi',
    summary: 'This document',
    content: json(z.record(z.string(), z.unknown())),
  }),
  processRoute({
    path: '/schema/gateway.json',
    operationId: 'configSchema',
    summary: 'JSON Schema (draft-07) of gateway.yaml',
    content: json(z.record(z.string(), z.unknown())),
  }),
];
