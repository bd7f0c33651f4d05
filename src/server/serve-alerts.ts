/**
 * `GET /v1/alerts`: a customer's own alerts.
 *
 * @module
 */
import { parsePart } from '../dialects/admin/admin-route.ts';
import { ownAlertsQuery, showAlert } from '../dialects/admin/routes/alerts.ts';
import { pageOf } from '../dialects/admin/shapes.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { callerOf, sendJson } from './self-service.ts';
import { queryOf } from './serve-usage.ts';

export async function serveAlerts(gateway: Gateway, exchange: Exchange): Promise<void> {
  const caller = callerOf(gateway, exchange);
  const query = parsePart(ownAlertsQuery, queryOf(exchange), 'query parameter');
  const nowMs = gateway.clock.nowMs();
  const page = await gateway.store.alerting.alerts.list({
    ...pageOf(query),
    customerId: caller.customer.id,
    kind: query.kind ?? null,
    state: query.state ?? null,
    nowMs,
  });
  sendJson(gateway, exchange, {
    data: page.data.map((alert) => showAlert(alert, nowMs)),
    next_cursor: page.nextCursor,
  });
}
