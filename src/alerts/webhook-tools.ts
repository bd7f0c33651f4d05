/**
 * What the control plane needs for webhooks beyond the store: secrets, a look at a URL, a test send.
 *
 * @module
 */
import type { IdSource } from '../contracts/ids.ts';
import { checkEgressUrl, EGRESS_REFUSAL, type EgressPolicy } from '../http/egress-guard.ts';
import type { OutboxEvent, WebhookRecord } from '../metering/alerts-port.ts';
import type { Sent } from './delivery-policy.ts';
import { type HttpSenderParts, sendToWebhook } from './http-senders.ts';
import { createWebhookSecret } from './standard-webhooks.ts';

export interface WebhookTools {
  /** A new signing secret, and as it is stored. */
  newSecret(): { readonly secret: string; readonly sealed: string };
  /** Why a URL may not be registered; null: it may. */
  urlProblem(url: string): string | null;
  /** Sends one event of topic `webhook.test` now, past the outbox. */
  test(
    webhook: WebhookRecord,
  ): Promise<Sent & { readonly eventId: string; readonly durationMs: number }>;
}

export function createWebhookTools(parts: {
  readonly http: HttpSenderParts;
  readonly egress: EgressPolicy;
  readonly ids: IdSource;
  readonly nowMs: () => number;
}): WebhookTools {
  const { http, egress, ids, nowMs } = parts;
  return {
    newSecret() {
      const secret = createWebhookSecret();
      return { secret, sealed: http.secrets.seal(secret) };
    },
    urlProblem(url) {
      try {
        checkEgressUrl(url, egress);
        return null;
      } catch {
        return EGRESS_REFUSAL;
      }
    },
    async test(webhook) {
      const event: OutboxEvent = {
        id: ids.next('evt'),
        topic: 'webhook.test',
        customerId: null,
        externalId: null,
        atMs: nowMs(),
        body: { message: 'A test: no alert stands behind it.' },
      };
      const startedMs = performance.now();
      const sent = await sendToWebhook(http, webhook, event);
      return { ...sent, eventId: event.id, durationMs: Math.round(performance.now() - startedMs) };
    },
  };
}
