/**
 * Signatures by Standard Webhooks 1.0.0:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 *
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
/** The specification asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;

/** A new signing secret, `whsec_` and base64. */
export function createWebhookSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

function signature(secret: string, signed: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

/** Headers of one attempt. With several secrets (a rotation) each signs, and the receiver takes the one it knows. */
export function signatureHeaders(
  message: { readonly id: string; readonly timestampMs: number; readonly body: string },
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const seconds = Math.floor(message.timestampMs / 1000);
  const signed = `${message.id}.${seconds}.${message.body}`;
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': secrets.map((secret) => signature(secret, signed)).join(' '),
  };
}
