/**
 * Deliveries of events: what went where, what is a dead letter, sending again.
 *
 * @module
 */
import { z } from 'zod';
import { DELIVERY_STATES, type DeliveryRecord } from '../../../metering/alerts-port.ts';
import type { MeteringStore } from '../../../metering/ports.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import {
  formatTime,
  formatTimeOrNull,
  listSchema,
  pageOf,
  type PageInput,
  pageQuery,
  timeSchema,
} from '../shapes.ts';

export const deliverySchema = z
  .strictObject({
    event: z.string().describe('`evt_…`'),
    topic: z.string(),
    destination: z.string().describe('`wh_…`, `email:<address>` or `slack`.'),
    state: z
      .enum(DELIVERY_STATES)
      .describe('`dead`: a dead letter; nothing more is tried by itself.'),
    created_at: timeSchema,
    next_attempt_at: timeSchema.nullable(),
    ended_at: timeSchema.nullable(),
    attempts: z.array(
      z.strictObject({
        n: z.int(),
        at: timeSchema,
        duration_ms: z.int(),
        status: z.int().nullable().describe('HTTP status or SMTP reply code.'),
        error: z.string().nullable(),
        reply: z.string().nullable().describe('Begin of the reply, as text.'),
      }),
    ),
  })
  .meta({ id: 'Delivery' });

/** Query member of lists of deliveries. */
export const deliveryState = z.enum(DELIVERY_STATES).optional();

function showDelivery(delivery: DeliveryRecord): z.input<typeof deliverySchema> {
  return {
    event: delivery.eventId,
    topic: delivery.topic,
    destination: delivery.destination,
    state: delivery.state,
    created_at: formatTime(delivery.createdAtMs),
    next_attempt_at: formatTimeOrNull(delivery.nextAttemptAtMs),
    ended_at: formatTimeOrNull(delivery.endedAtMs),
    attempts: delivery.attempts.map((attempt) => ({
      n: attempt.n,
      at: formatTime(attempt.startedAtMs),
      duration_ms: attempt.durationMs,
      status: attempt.status,
      error: attempt.error,
      reply: attempt.reply,
    })),
  };
}

/** One page of deliveries. */
export async function listDeliveries(
  store: MeteringStore,
  destination: string | null,
  query: PageInput & { readonly state?: DeliveryRecord['state'] | undefined },
) {
  const page = await store.alerting.outbox.deliveries({
    ...pageOf(query),
    destination,
    state: query.state ?? null,
  });
  return { data: page.data.map(showDelivery), next_cursor: page.nextCursor };
}

export const redeliveredSchema = z
  .strictObject({ queued: z.int().describe('Deliveries that are tried again from now on.') })
  .meta({ id: 'Redelivered' });

/** @throws GatewayError `not_found` when one event is named and has no such delivery */
export async function redeliver(
  store: MeteringStore,
  which: { readonly destination: string; readonly event?: string | undefined },
  nowMs: number,
): Promise<{ queued: number }> {
  const { destination, event } = which;
  const eventId = event ?? null;
  const queued = await store.alerting.outbox.redeliver({ destination, eventId, nowMs });
  if (queued === 0 && eventId !== null) {
    throw new GatewayError('not_found', {
      message: `Event "${eventId}" was never due for ${destination}.`,
      param: 'event',
    });
  }
  return { queued };
}

/** Body member that names one event. */
export const eventSchema = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe('`evt_…`: only this one, whatever its state; absent: every dead letter.');

/** Routes below `/deliveries`. */
export const deliveryRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/deliveries',
    operationId: 'listDeliveries',
    summary: 'List deliveries of events, newest first; `state=dead` lists the dead letters',
    tag: 'webhooks',
    query: z.strictObject({
      ...pageQuery,
      destination: z.string().min(1).max(400).optional(),
      state: deliveryState,
    }),
    reply: listSchema(deliverySchema),
    handle: ({ query }, { store }) => listDeliveries(store, query.destination ?? null, query),
  }),
  adminRoute({
    method: 'post',
    path: '/deliveries/redeliver',
    operationId: 'redeliver',
    summary: 'Send dead letters of a destination again',
    tag: 'webhooks',
    body: z.strictObject({
      destination: z.string().min(1).max(400).describe('`wh_…`, `email:<address>` or `slack`.'),
      event: eventSchema,
    }),
    example: { destination: 'slack' },
    reply: redeliveredSchema,
    errors: ['not_found'],
    handle: ({ body }, { store, now }) => redeliver(store, body, now()),
  }),
];
