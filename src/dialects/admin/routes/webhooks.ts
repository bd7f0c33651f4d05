/**
 * Webhooks: where events are sent, signed by Standard Webhooks.
 *
 * @module
 */
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import {
  WEBHOOK_KINDS,
  type WebhookPatch,
  type WebhookRecord,
} from '../../../metering/alerts-port.ts';
import type { MeteringStore } from '../../../metering/ports.ts';
import { invalidRequest } from '../../validation.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import type { AdminDependencies } from '../dependencies.ts';
import { findCustomer } from '../find.ts';
import {
  customerNameSchema,
  formatTime,
  formatTimeOrNull,
  lineSchema,
  listSchema,
  pageOf,
  pageQuery,
  timeSchema,
} from '../shapes.ts';
import {
  deliverySchema,
  deliveryState,
  eventSchema,
  listDeliveries,
  redeliver,
  redeliveredSchema,
} from './deliveries.ts';

const urlSchema = z.string().min(1).max(2048).describe('https; a host on the public internet.');
const kindsSchema = z.array(z.enum(WEBHOOK_KINDS)).min(1).max(WEBHOOK_KINDS.length);
const customersSchema = z.array(customerNameSchema).min(1).max(1000);

const newWebhookSchema = z
  .strictObject({
    url: urlSchema,
    description: lineSchema(200).optional(),
    kinds: kindsSchema
      .optional()
      .describe(
        'Kinds of alerts it gets; all by default. `job` beside them: the ends of jobs, as `job.<status>`.',
      ),
    customers: customersSchema
      .optional()
      .describe('Whose alerts it gets; by default everybody’s and those that concern no customer.'),
  })
  .meta({ id: 'WebhookInput' });

const patchSchema = z
  .strictObject({
    url: urlSchema.optional(),
    description: lineSchema(200).nullable().optional(),
    kinds: kindsSchema.nullable().optional().describe('Null: all.'),
    customers: customersSchema.nullable().optional().describe('Null: all.'),
    disabled: z.boolean().optional().describe('What comes meanwhile is not kept for it.'),
  })
  .meta({ id: 'WebhookPatch' });

const webhookSchema = z
  .strictObject({
    id: z.string(),
    url: z.string(),
    description: z.string().nullable(),
    kinds: z.array(z.enum(WEBHOOK_KINDS)).nullable(),
    customers: z.array(z.string()).nullable().describe('`cus_…`'),
    status: z.enum(['enabled', 'disabled']),
    disabled_reason: z.string().nullable(),
    secrets: z.array(
      z.strictObject({
        created_at: timeSchema,
        expires_at: timeSchema.nullable().describe('From when on it signs no more.'),
      }),
    ),
    created_at: timeSchema,
  })
  .meta({ id: 'Webhook' });

const secretReplySchema = webhookSchema
  .extend({
    secret: z.string().describe('`whsec_…`, shown this once and stored encrypted.'),
  })
  .meta({ id: 'WebhookWithSecret' });

const params = z.strictObject({ id: z.string().min(1).max(200).describe('`wh_…`') });

function showWebhook(webhook: WebhookRecord, nowMs: number): z.input<typeof webhookSchema> {
  const { kinds, customerIds } = webhook;
  return {
    id: webhook.id,
    url: webhook.url,
    description: webhook.description,
    kinds: kinds === null ? null : [...kinds],
    customers: customerIds === null ? null : [...customerIds],
    status: webhook.disabledAtMs === null ? 'enabled' : 'disabled',
    disabled_reason: webhook.disabledReason,
    secrets: webhook.secrets
      .filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs)
      .map(({ createdAtMs, expiresAtMs }) => ({
        created_at: formatTime(createdAtMs),
        expires_at: formatTimeOrNull(expiresAtMs),
      })),
    created_at: formatTime(webhook.createdAtMs),
  };
}

/** @throws GatewayError `not_found` */
async function findWebhook(store: MeteringStore, id: string): Promise<WebhookRecord> {
  const webhook = await store.alerting.webhooks.webhook(id);
  if (webhook !== null) return webhook;
  throw new GatewayError('not_found', { message: `There is no webhook "${id}".`, param: 'id' });
}

function checkUrl(url: string, { webhookTools }: AdminDependencies): string {
  const problem = webhookTools.urlProblem(url);
  if (problem !== null) throw invalidRequest('url', `${problem}.`);
  return new URL(url).href;
}

async function customerIdsOf(
  names: readonly string[],
  store: MeteringStore,
): Promise<readonly string[]> {
  const ids = new Set<string>();
  for (const [at, name] of names.entries()) {
    ids.add((await findCustomer(store, name, `customers[${at}]`)).customer.id);
  }
  return [...ids];
}

async function patchOf(
  body: z.output<typeof patchSchema>,
  dependencies: AdminDependencies,
): Promise<WebhookPatch> {
  const { url, description, kinds, customers, disabled } = body;
  const { store, now } = dependencies;
  return {
    ...(url === undefined ? {} : { url: checkUrl(url, dependencies) }),
    ...(description === undefined ? {} : { description }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(customers === undefined
      ? {}
      : { customerIds: customers === null ? null : await customerIdsOf(customers, store) }),
    ...(disabled === undefined
      ? {}
      : {
          disabledAtMs: disabled ? now() : null,
          disabledReason: disabled ? 'Disabled through the control plane.' : null,
        }),
  };
}

const resourceRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/webhooks',
    operationId: 'createWebhook',
    summary: 'Register a webhook',
    description: 'Events from now on are sent to it, signed with the secret of the reply.',
    tag: 'webhooks',
    body: newWebhookSchema,
    example: { url: 'https://hooks.example.com/gateway', kinds: ['threshold', 'recovered'] },
    status: 201,
    reply: secretReplySchema,
    errors: ['not_found'],
    async handle({ body }, dependencies) {
      const { store, ids, now, webhookTools } = dependencies;
      const { secret, sealed } = webhookTools.newSecret();
      const nowMs = now();
      const webhook: WebhookRecord = {
        id: ids.next('wh'),
        url: checkUrl(body.url, dependencies),
        description: body.description ?? null,
        kinds: body.kinds ?? null,
        customerIds:
          body.customers === undefined ? null : await customerIdsOf(body.customers, store),
        secrets: [{ sealed, createdAtMs: nowMs, expiresAtMs: null }],
        createdAtMs: nowMs,
        disabledAtMs: null,
        disabledReason: null,
      };
      await store.alerting.webhooks.create(webhook);
      return { ...showWebhook(webhook, nowMs), secret };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/webhooks',
    operationId: 'listWebhooks',
    summary: 'List webhooks',
    tag: 'webhooks',
    query: z.strictObject(pageQuery),
    reply: listSchema(webhookSchema),
    async handle({ query }, { store, now }) {
      const page = await store.alerting.webhooks.list(pageOf(query));
      const nowMs = now();
      return {
        data: page.data.map((webhook) => showWebhook(webhook, nowMs)),
        next_cursor: page.nextCursor,
      };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/webhooks/{id}',
    operationId: 'getWebhook',
    summary: 'Read a webhook (without its secrets)',
    tag: 'webhooks',
    params,
    reply: webhookSchema,
    errors: ['not_found'],
    handle: async (input, { store, now }) =>
      showWebhook(await findWebhook(store, input.params.id), now()),
  }),
  adminRoute({
    method: 'patch',
    path: '/webhooks/{id}',
    operationId: 'updateWebhook',
    summary: 'Change, disable or enable a webhook',
    tag: 'webhooks',
    params,
    body: patchSchema,
    example: { kinds: ['ledger_mismatch', 'operator'] },
    reply: webhookSchema,
    errors: ['not_found'],
    async handle(input, dependencies) {
      const patch = await patchOf(input.body, dependencies);
      const { store, now } = dependencies;
      return showWebhook(await store.alerting.webhooks.patch(input.params.id, patch), now());
    },
  }),
  adminRoute({
    method: 'delete',
    path: '/webhooks/{id}',
    operationId: 'deleteWebhook',
    summary: 'Remove a webhook',
    description: 'What still waited for it becomes a dead letter.',
    tag: 'webhooks',
    params,
    reply: z.strictObject({ id: z.string(), deleted: z.literal(true) }),
    errors: ['not_found'],
    async handle(input, { store, now }) {
      await store.alerting.webhooks.remove(input.params.id, now());
      return { id: input.params.id, deleted: true as const };
    },
  }),
];

const ROTATION_OVERLAP_S = 86_400;

const actionRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/webhooks/{id}/rotate',
    operationId: 'rotateWebhookSecret',
    summary: 'Replace the signing secret',
    description:
      'For `overlap_s` seconds every delivery carries the signatures of both, so that the receiver can change over.',
    tag: 'webhooks',
    params,
    body: z.strictObject({
      overlap_s: z
        .int()
        .min(0)
        .max(30 * 86_400)
        .optional()
        .describe('A day by default; 0: the old one ends at once.'),
    }),
    bodyRequired: false,
    example: { overlap_s: 3600 },
    reply: secretReplySchema,
    errors: ['not_found'],
    async handle(input, { store, now, webhookTools }) {
      const nowMs = now();
      const known = await findWebhook(store, input.params.id);
      const endsAtMs = nowMs + (input.body.overlap_s ?? ROTATION_OVERLAP_S) * 1000;
      const { secret, sealed } = webhookTools.newSecret();
      const older = known.secrets
        .map((old) => ({ ...old, expiresAtMs: Math.min(old.expiresAtMs ?? endsAtMs, endsAtMs) }))
        .filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      const secrets = [{ sealed, createdAtMs: nowMs, expiresAtMs: null }, ...older];
      const webhook = await store.alerting.webhooks.patch(known.id, { secrets });
      return { ...showWebhook(webhook, nowMs), secret };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/webhooks/{id}/test',
    operationId: 'testWebhook',
    summary: 'Send a signed test event now',
    description: 'Answers 200 whatever the receiver said. Serves a disabled webhook too.',
    tag: 'webhooks',
    params,
    reply: z
      .strictObject({
        ok: z.boolean(),
        event: z.string(),
        status: z.int().nullable(),
        error: z.string().nullable(),
        reply: z.string().nullable(),
        duration_ms: z.int(),
      })
      .meta({ id: 'WebhookTest' }),
    errors: ['not_found'],
    async handle(input, { store, webhookTools }) {
      const webhook = await findWebhook(store, input.params.id);
      await store.audit.mark();
      const sent = await webhookTools.test(webhook);
      return {
        ok: sent.outcome === 'delivered',
        event: sent.eventId,
        status: sent.status,
        error: sent.error,
        reply: sent.reply,
        duration_ms: sent.durationMs,
      };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/webhooks/{id}/deliveries',
    operationId: 'listWebhookDeliveries',
    summary: 'List deliveries to a webhook with their attempts, newest first',
    tag: 'webhooks',
    params,
    query: z.strictObject({ ...pageQuery, state: deliveryState }),
    reply: listSchema(deliverySchema),
    errors: ['not_found'],
    async handle(input, { store }) {
      const { id } = await findWebhook(store, input.params.id);
      return listDeliveries(store, id, input.query);
    },
  }),
  adminRoute({
    method: 'post',
    path: '/webhooks/{id}/redeliver',
    operationId: 'redeliverToWebhook',
    summary: 'Send dead letters of a webhook again',
    tag: 'webhooks',
    params,
    body: z.strictObject({ event: eventSchema }),
    bodyRequired: false,
    reply: redeliveredSchema,
    errors: ['not_found'],
    async handle(input, { store, now }) {
      const { id } = await findWebhook(store, input.params.id);
      return redeliver(store, { destination: id, event: input.body.event }, now());
    },
  }),
];

/** Routes below `/webhooks`. */
export const webhookRoutes: readonly AdminRoute[] = [...resourceRoutes, ...actionRoutes];
