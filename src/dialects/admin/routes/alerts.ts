/**
 * Alerts: what happened, to whom, whether anybody has seen it.
 *
 * @module
 */
import { z } from 'zod';
import {
  ALERT_KINDS,
  ALERT_SEVERITIES,
  ALERT_STATES,
  alertStateOf,
  type AlertRecord,
} from '../../../metering/alerts-port.ts';
import { describeAlert } from '../../../metering/alert-text.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  formatTimeOrNull,
  listSchema,
  pageOf,
  pageQuery,
  timeSchema,
} from '../shapes.ts';

/** An alert as both planes show it. */
export const alertSchema = z
  .strictObject({
    id: z.string().describe('`evt_…`: the `webhook-id` of its deliveries.'),
    kind: z.enum(ALERT_KINDS),
    severity: z.enum(ALERT_SEVERITIES),
    state: z.enum(ALERT_STATES),
    customer: z
      .strictObject({ id: z.string(), externalId: z.string().nullable() })
      .nullable()
      .describe('Null for what concerns no customer.'),
    title: z.string(),
    message: z.string(),
    details: z
      .record(z.string(), z.unknown())
      .describe('What the kind states, as docs/alerts.md lists it.'),
    at: timeSchema,
    ends_at: timeSchema.nullable().describe('When it is history by itself.'),
    acknowledged_at: timeSchema.nullable(),
    recovered_at: timeSchema.nullable(),
  })
  .meta({ id: 'Alert' });

/** The alert as both planes show it. */
export function showAlert(alert: AlertRecord, nowMs: number): z.input<typeof alertSchema> {
  const { customerId, externalId } = alert;
  return {
    id: alert.id,
    kind: alert.kind,
    severity: alert.severity,
    state: alertStateOf(alert, nowMs),
    customer: customerId === null ? null : { id: customerId, externalId },
    ...describeAlert(alert),
    details: { ...alert.data },
    at: formatTime(alert.atMs),
    ends_at: formatTimeOrNull(alert.endsAtMs),
    acknowledged_at: formatTimeOrNull(alert.acknowledgedAtMs),
    recovered_at: formatTimeOrNull(alert.recoveredAtMs),
  };
}

const params = z.strictObject({ id: z.string().min(1).max(200).describe('`evt_…`') });

/** What a list of alerts may be narrowed to. */
export const ownAlertsQuery = z.strictObject({
  ...pageQuery,
  kind: z.enum(ALERT_KINDS).optional(),
  state: z
    .enum(ALERT_STATES)
    .optional()
    .describe('`open` until acknowledged, recovered, or its period has ended (`past`).'),
});

/** Routes below `/alerts`. */
export const alertRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/alerts',
    operationId: 'listAlerts',
    summary: 'List alerts, newest first',
    tag: 'alerts',
    query: ownAlertsQuery.extend({ customer: customerNameSchema.optional() }),
    reply: listSchema(alertSchema),
    errors: ['not_found'],
    async handle({ query }, { store, now }) {
      const customerId =
        query.customer === undefined
          ? null
          : (await findCustomer(store, query.customer, 'customer')).customer.id;
      const nowMs = now();
      const page = await store.alerting.alerts.list({
        ...pageOf(query),
        customerId,
        kind: query.kind ?? null,
        state: query.state ?? null,
        nowMs,
      });
      return {
        data: page.data.map((alert) => showAlert(alert, nowMs)),
        next_cursor: page.nextCursor,
      };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/alerts/{id}',
    operationId: 'getAlert',
    summary: 'Read an alert',
    tag: 'alerts',
    params,
    reply: alertSchema,
    errors: ['not_found'],
    async handle(input, { store, now }) {
      const alert = await store.alerting.alerts.alert(input.params.id);
      if (alert === null) {
        throw new GatewayError('not_found', {
          message: `There is no alert "${input.params.id}".`,
          param: 'id',
        });
      }
      return showAlert(alert, now());
    },
  }),
  adminRoute({
    method: 'post',
    path: '/alerts/{id}/acknowledge',
    operationId: 'acknowledgeAlert',
    summary: 'Mark an alert as read',
    description: 'Repeated: as it was the first time. What it tells stays as it is.',
    tag: 'alerts',
    params,
    reply: alertSchema,
    errors: ['not_found'],
    async handle(input, { store, now }) {
      const nowMs = now();
      return showAlert(await store.alerting.alerts.acknowledge(input.params.id, nowMs), nowMs);
    },
  }),
];
