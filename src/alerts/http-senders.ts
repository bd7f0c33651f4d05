/**
 * Sending an event over HTTP: to a signed webhook, to a Slack-compatible one.
 *
 * @module
 */
import { EGRESS_REFUSAL, EgressRefused } from '../http/egress-guard.ts';
import type { EgressClient, EgressReply } from '../http/egress-client.ts';
import { retryWaitMs } from '../http/retry-after.ts';
import type { OutboxEvent, WebhookRecord } from '../metering/alerts-port.ts';
import type { Sent } from './delivery-policy.ts';
import { severityOf, textOf, webhookBody } from './payload.ts';
import type { SecretBox } from './secret-box.ts';
import { signatureHeaders } from './standard-webhooks.ts';

export interface HttpSenderParts {
  readonly client: EgressClient;
  readonly secrets: SecretBox;
  readonly timeoutMs: number;
  readonly nowMs: () => number;
}

/** What is kept of a reply. */
const REPLY_BYTES = 1024;

/** Control characters are for terminals, not for lists of deliveries. */
function shownReply({ body }: EgressReply): string | null {
  // oxlint-disable-next-line no-control-regex -- the controls are what is taken out
  const text = body.toString('utf8').replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '');
  return text === '' ? null : text;
}

function judge(reply: EgressReply, nowMs: number): Sent {
  const { status, headers } = reply;
  const said = { status, reply: shownReply(reply) };
  if (status >= 200 && status < 300) {
    return { ...said, outcome: 'delivered', error: null, retryAfterMs: null };
  }
  const isRedirect = status >= 300 && status < 400;
  return {
    ...said,
    // 410 is how Standard Webhooks lets a receiver unsubscribe.
    outcome: status === 410 ? 'gone' : 'failed',
    error: isRedirect
      ? `answered ${status}: redirects are not followed; register the final address`
      : `answered ${status}`,
    retryAfterMs: status === 429 || status >= 500 ? retryWaitMs(headers, nowMs) : null,
  };
}

function failureText(error: unknown): string {
  if (error instanceof EgressRefused) return `The URL ${EGRESS_REFUSAL}.`;
  if (!(error instanceof Error)) return 'could not be reached';
  if (error.cause instanceof EgressRefused) return `The URL ${EGRESS_REFUSAL}.`;
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : '';
  return `could not be reached: ${error.message}${code}`.slice(0, 500);
}

async function post(
  parts: HttpSenderParts,
  to: {
    readonly url: string;
    readonly body: string;
    readonly headers: Readonly<Record<string, string>>;
  },
): Promise<Sent> {
  const { client, timeoutMs, nowMs } = parts;
  try {
    const reply = await client.send({
      url: to.url,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...to.headers },
      body: to.body,
      timeoutMs,
      maxReplyBytes: REPLY_BYTES,
    });
    return judge(reply, nowMs());
  } catch (error) {
    const text = failureText(error);
    return { outcome: 'failed', status: null, error: text, reply: null, retryAfterMs: null };
  }
}

/** Sends to a webhook, signed with every secret that has not expired. */
export async function sendToWebhook(
  parts: HttpSenderParts,
  webhook: WebhookRecord,
  event: OutboxEvent,
): Promise<Sent> {
  const nowMs = parts.nowMs();
  const body = webhookBody(event);
  const secrets = webhook.secrets
    .filter(({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > nowMs)
    .map(({ sealed }) => parts.secrets.open(sealed));
  const headers = signatureHeaders({ id: event.id, timestampMs: nowMs, body }, secrets);
  return post(parts, { url: webhook.url, body, headers });
}

/** Slack's mrkdwn knows three characters: https://docs.slack.dev/messaging/formatting-message-text */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Sends to an incoming webhook of Slack, Mattermost, Rocket.Chat or Discord's `/slack`. */
export async function sendToSlack(
  parts: HttpSenderParts,
  url: string,
  event: OutboxEvent,
): Promise<Sent> {
  const { title, message } = textOf(event);
  const lines = [
    `*${escapeSlack(title)}*`,
    escapeSlack(message),
    ...(event.externalId === null ? [] : [`Customer: ${escapeSlack(event.externalId)}`]),
    `${severityOf(event) ?? 'info'} · ${event.id}`,
  ];
  return post(parts, { url, body: JSON.stringify({ text: lines.join('\n') }), headers: {} });
}
