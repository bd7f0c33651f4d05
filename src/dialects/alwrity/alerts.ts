/**
 * Alerts in ALwrity's shape.
 *
 * @module
 */
import { z } from 'zod';
import type { Exchange } from '../../gateway/exchange.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { AlertRecord } from '../../metering/alerts-port.ts';
import { accountOf } from './account.ts';
import { monthName, readQuery } from './query.ts';
import type { alertsSchema } from './shapes.ts';

type ShownAlerts = z.input<typeof alertsSchema>;
type ShownAlert = ShownAlerts['alerts'][number];

const LIMIT_ERROR = { error: 'must be a whole number from 1 to 100' };
/** Query of `alerts/{user}`. */
export const alertsQuery = z.object({
  unread_only: z.enum(['true', 'false']).optional(),
  limit: z.coerce
    .number(LIMIT_ERROR)
    .int(LIMIT_ERROR)
    .min(1, LIMIT_ERROR)
    .max(100, LIMIT_ERROR)
    .optional(),
});

const SEVERITIES: Readonly<Record<AlertRecord['severity'], ShownAlert['severity']>> = {
  info: 'info',
  warning: 'warning',
  critical: 'error',
};

/** Type, threshold, title and message of an alert. */
function wordsOf(
  alert: AlertRecord,
): Pick<ShownAlert, 'type' | 'threshold_percentage' | 'title' | 'message'> {
  switch (alert.kind) {
    case 'threshold': {
      const { threshold, limit_id, used, limit } = alert.data;
      return {
        type: threshold >= 100 ? 'limit_reached' : 'usage_warning',
        threshold_percentage: threshold,
        title: `${threshold} % of ${limit_id}`,
        message: `${used} of ${limit} is used.`,
      };
    }
    case 'recovered': {
      const { limit_id, used, limit } = alert.data;
      return {
        type: 'usage_warning',
        threshold_percentage: null,
        title: `${limit_id} has recovered`,
        message: `${used} of ${limit} is used.`,
      };
    }
    case 'wallet_low': {
      const { balance_usd, below_usd } = alert.data;
      return {
        type: 'usage_warning',
        threshold_percentage: null,
        title: 'Credits run low',
        message: `$${balance_usd} is left, below $${below_usd}.`,
      };
    }
    case 'forecast': {
      const { limit_id, projected, limit } = alert.data;
      return {
        type: 'usage_warning',
        threshold_percentage: null,
        title: `${limit_id} will run out`,
        message: `${projected} is projected, of ${limit}.`,
      };
    }
    case 'anomaly': {
      const { spent_usd, usual_usd } = alert.data;
      return {
        type: 'usage_warning',
        threshold_percentage: null,
        title: 'Unusual spend',
        message: `$${spent_usd} in an hour; usual is $${usual_usd}.`,
      };
    }
    case 'ledger_mismatch':
    case 'operator':
    case 'leaked_holds':
      return {
        type: 'system_error',
        threshold_percentage: null,
        title: 'System error',
        message: 'The operator has been told.',
      };
    default:
      return alert satisfies never;
  }
}

function showAlert(alert: AlertRecord): ShownAlert {
  return {
    id: alert.id,
    ...wordsOf(alert),
    provider: null,
    severity: SEVERITIES[alert.severity],
    is_read: alert.acknowledgedAtMs !== null,
    read_at:
      alert.acknowledgedAtMs === null ? null : new Date(alert.acknowledgedAtMs).toISOString(),
    billing_period: monthName(alert.atMs),
    created_at: new Date(alert.atMs).toISOString(),
  };
}

/** Alerts of a customer, newest first. */
export async function readAlerts(
  gateway: Gateway,
  customerId: string,
  { unreadOnly, limit }: { readonly unreadOnly: boolean; readonly limit: number },
): Promise<ShownAlerts> {
  const { alerts } = gateway.store.alerting;
  const shown: ShownAlert[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof alerts.list>> = await alerts.list({
      customerId,
      kind: null,
      state: null,
      nowMs: gateway.clock.nowMs(),
      limit: 100,
      cursor,
    });
    shown.push(...page.data.map(showAlert).filter(({ is_read }) => !unreadOnly || !is_read));
    cursor = page.nextCursor;
  } while (cursor !== null && shown.length < limit);
  const { total, unread } = await alerts.counts(customerId);
  return {
    alerts: shown.slice(0, limit),
    total: unreadOnly ? unread : total,
    unread_count: unread,
  };
}

/** `GET alerts/{user}`. */
export async function answerAlerts(
  gateway: Gateway,
  exchange: Exchange,
  user: string,
): Promise<ShownAlerts> {
  const { customer } = await accountOf(gateway, exchange, user);
  const { unread_only, limit } = readQuery(exchange, alertsQuery);
  return readAlerts(gateway, customer.id, {
    unreadOnly: unread_only === 'true',
    limit: limit ?? 50,
  });
}
