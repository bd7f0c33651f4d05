/**
 * The data plane's routes.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { chatDialect } from '../dialects/openai/chat/dialect.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import { configJsonSchema } from '../config/index.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { serve } from '../gateway/pipeline.ts';
import type { GatewayMetrics } from '../observability/metrics.ts';
import { dataPlaneOpenApi } from '../openapi/index.ts';
import { alwrityRoutes } from './alwrity-routes.ts';
import { assetRoutes } from './asset-routes.ts';
import { jobRoutes } from './job-routes.ts';
import { operationRoutes } from './operation-routes.ts';
import { providerWebhookRoute } from './provider-webhook-route.ts';
import { quoteRoutes } from './quote-routes.ts';
import { voiceRoutes } from './voice-routes.ts';
import { clientTokenRoute } from './client-token-route.ts';
import { bookingsFull } from './data-plane.ts';
import { type NodeRoute, type Route, RouteTable } from './routes.ts';
import { serveAlerts } from './serve-alerts.ts';
import {
  sendJson,
  serveLimits,
  serveMe,
  serveModel,
  serveModels,
  serveRequest,
} from './self-service.ts';
import { serveUsage, serveUsageExport } from './serve-usage.ts';

function serveReady(gateway: Gateway, exchange: Exchange): void {
  if (gateway.lifecycle.draining) {
    throw new GatewayError('draining', {
      message: 'The gateway is shutting down.',
      retryAfterMs: 1_000,
    });
  }
  const { bookings } = gateway;
  if (bookings.isFull) throw bookingsFull();
  const { waiting, oldestMs } = bookings;
  const unbooked = waiting === 0 ? {} : { unbooked: { ends: waiting, oldest_ms: oldestMs } };
  sendJson(gateway, exchange, { status: 'ready', ...unbooked });
}

async function serveMetrics(metrics: GatewayMetrics, exchange: Exchange): Promise<void> {
  exchange.send(200, ['content-type', metrics.contentType], await metrics.text());
}

/** The page that the `type` of every problem points to. */
async function serveErrorDocs(exchange: Exchange): Promise<void> {
  const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  exchange.send(200, ['content-type', 'text/markdown; charset=utf-8'], page);
}

/** @param settled routes that exist only by a setting, such as webhooks of payment systems */
export function createRoutes(
  gateway: Gateway,
  metrics: GatewayMetrics,
  settled: readonly Route[] = [],
): RouteTable {
  const get = (path: string, handle: NodeRoute['handle']): Route => ({
    method: 'GET',
    path,
    isWork: false,
    handle,
  });
  return new RouteTable([
    ...settled,
    {
      method: 'POST',
      path: '/v1/chat/completions',
      isWork: true,
      isPlain: true,
      handle: (exchange) => serve(gateway, exchange, chatDialect),
    },
    ...operationRoutes(gateway),
    ...voiceRoutes(gateway),
    ...jobRoutes(gateway),
    providerWebhookRoute(gateway),
    get('/v1/models', (exchange) => serveModels(gateway, exchange)),
    get('/v1/models/', (exchange, id) => serveModel(gateway, exchange, id)),
    get('/v1/limits', (exchange) => serveLimits(gateway, exchange)),
    get('/v1/me', (exchange) => serveMe(gateway, exchange)),
    get('/v1/usage', (exchange) => serveUsage(gateway, exchange)),
    get('/v1/usage/export', (exchange) => serveUsageExport(gateway, exchange)),
    get('/v1/alerts', (exchange) => serveAlerts(gateway, exchange)),
    ...quoteRoutes(gateway),
    ...assetRoutes(gateway),
    ...alwrityRoutes(gateway),
    clientTokenRoute(gateway),
    get('/v1/requests/', (exchange, id) => serveRequest(gateway, exchange, id)),
    get('/health/live', (exchange) => sendJson(gateway, exchange, { status: 'live' })),
    get('/health/ready', (exchange) => serveReady(gateway, exchange)),
    get('/metrics', (exchange) => serveMetrics(metrics, exchange)),
    get('/docs/errors', (exchange) => serveErrorDocs(exchange)),
    get('/openapi.json', (exchange) => sendJson(gateway, exchange, dataPlaneOpenApi())),
    get('/schema/gateway.json', (exchange) => sendJson(gateway, exchange, configJsonSchema())),
  ]);
}
