/**
 * The compatibility routes as OpenAPI describes them.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../contracts/error-codes.ts';
import {
  alertsQuery,
  ALWRITY_PREFIX,
  alwrityProblemSchema,
  trendsQuery,
  usageLogsQuery,
  usageQuery,
} from '../dialects/alwrity/index.ts';
import {
  alertsSchema,
  dashboardSchema,
  envelope,
  plansSchema,
  preflightRequestSchema,
  preflightSchema,
  pricingSchema,
  statusSchema,
  subscriptionSchema,
  trendsSchema,
  usageLogsSchema,
  usageSchema,
} from '../dialects/alwrity/shapes.ts';
import { CALL_HEADERS, CUSTOMER_HEADERS } from './data-plane-headers.ts';
import type { RouteDescription } from './route-description.ts';

const ERRORS: readonly ErrorCode[] = ['invalid_request', 'not_found', 'metering_unavailable'];

interface Described {
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly query?: z.ZodObject;
}

function reading({ path, schema, ...route }: Described): RouteDescription {
  const [, name] = /\{(\w+)\}/.exec(path) ?? [];
  const user = z.string().describe('`externalId` of the customer; another customer’s is not found.');
  return {
    method: 'get',
    path: `${ALWRITY_PREFIX}${path}`,
    tag: 'compatibility',
    access: 'data',
    headers: CUSTOMER_HEADERS,
    ...(name === undefined ? {} : { params: z.object({ [name]: user }) }),
    ...route,
    reply: { status: 200, description: 'Done.', content: { 'application/json': { schema } } },
    errors: ERRORS,
    errorShape: { id: 'alwrity', contentType: 'application/problem+json', schema: alwrityProblemSchema },
  };
}

const pricingQuery = z.object({ provider: z.string().optional() });

export const ALWRITY_ROUTES: readonly RouteDescription[] = [
  reading({
    path: 'plans',
    operationId: 'alwrityPlans',
    summary: 'Plans in ALwrity’s shape',
    schema: envelope(plansSchema),
  }),
  reading({
    path: 'pricing',
    operationId: 'alwrityPricing',
    summary: 'Prices in force in ALwrity’s shape',
    schema: envelope(pricingSchema),
    query: pricingQuery,
  }),
  reading({
    path: 'status/{id}',
    operationId: 'alwrityStatus',
    summary: 'Whether a user may call',
    schema: envelope(statusSchema),
  }),
  reading({
    path: 'user/{user}/subscription',
    operationId: 'alwritySubscription',
    summary: 'Subscription, plan and limits of a user',
    schema: envelope(subscriptionSchema),
  }),
  reading({
    path: 'usage/{user}/trends',
    operationId: 'alwrityTrends',
    summary: 'Usage of a user by month and provider',
    schema: envelope(trendsSchema),
    query: trendsQuery,
  }),
  reading({
    path: 'usage/{id}',
    operationId: 'alwrityUsage',
    summary: 'Usage of a user in ALwrity’s shape',
    schema: envelope(usageSchema),
    query: usageQuery,
  }),
  reading({
    path: 'dashboard/{id}',
    operationId: 'alwrityDashboard',
    summary: 'Usage, trends, limits, alerts and projection of a user',
    schema: envelope(dashboardSchema),
    query: usageQuery,
  }),
  reading({
    path: 'alerts/{id}',
    operationId: 'alwrityAlerts',
    summary: 'Alerts of a user, newest first',
    schema: envelope(alertsSchema),
    query: alertsQuery,
  }),
  reading({
    path: 'usage-logs',
    operationId: 'alwrityUsageLogs',
    summary: 'Requests of the customer that the key acts for, newest first',
    schema: usageLogsSchema,
    query: usageLogsQuery,
  }),
  {
    ...reading({
      path: 'preflight-check',
      operationId: 'alwrityPreflightCheck',
      summary: 'Cost and verdict of operations, judged as a quote is; nothing is held',
      schema: envelope(preflightSchema),
    }),
    headers: CUSTOMER_HEADERS.extend(CALL_HEADERS.pick({ 'Idempotency-Key': true }).shape),
    method: 'post',
    body: {
      schema: preflightRequestSchema,
      required: true,
      example: {
        operations: [
          {
            provider: 'gemini',
            model: 'gemini-2.5-flash',
            tokens_requested: 2500,
            operation_type: 'text_generation',
          },
        ],
      },
    },
    errors: [...ERRORS, 'payload_too_large', 'unsupported_media_type', 'idempotency_mismatch', 'idempotency_in_flight', 'idempotency_completed', 'draining', 'overloaded', 'loop_detected', 'request_timeout'],
  },
];
