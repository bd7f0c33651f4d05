/**
 * Signatures of Stripe's webhooks: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…]`, each `v1` an HMAC-SHA256 of
 * `<t>.<body>` under the endpoint's secret; several while a secret is rolled. Other schemes (`v0`) do not count.
 *
 * Source: https://docs.stripe.com/webhooks/signature ("Verify webhook signatures manually") and stripe-node's
 * `Webhooks.js` (tolerance 300 s by default): https://app.unpkg.com/stripe@22.0.0/files/cjs/Webhooks.js
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far the signed time may lie from ours, as Stripe's own libraries have it. */
export const STRIPE_TOLERANCE_MS = 300_000;

const PARTS_MAX = 20;

/** Why a signature does not count; null where it does. */
export type SignatureFault = 'missing' | 'malformed' | 'wrong' | 'too_old' | null;

interface ParsedHeader {
  /** As it was signed. */
  readonly time: string;
  readonly signatures: readonly string[];
}

function parseHeader(header: string): ParsedHeader | null {
  let time: string | null = null;
  const signatures: string[] = [];
  for (const part of header.split(',', PARTS_MAX)) {
    const mark = part.indexOf('=');
    const [name, value] = [part.slice(0, mark).trim(), part.slice(mark + 1).trim()];
    if (name === 't' && /^\d{1,12}$/.test(value)) time = value;
    if (name === 'v1' && /^[0-9a-f]{64}$/i.test(value)) signatures.push(value);
  }
  return time === null || signatures.length === 0 ? null : { time, signatures };
}

/**
 * Checks the signature over the bytes as they came. Every candidate is compared, each in constant time; the age is
 * looked at last, so that nobody learns from it without the secret.
 */
export function signatureFault(
  header: string | null,
  body: Uint8Array,
  at: { readonly secret: string; readonly nowMs: number },
): SignatureFault {
  if (header === null) return 'missing';
  const parsed = parseHeader(header);
  if (parsed === null) return 'malformed';
  const expected = createHmac('sha256', at.secret).update(`${parsed.time}.`).update(body).digest();
  let matches = false;
  for (const signature of parsed.signatures) {
    if (timingSafeEqual(Buffer.from(signature, 'hex'), expected)) matches = true;
  }
  if (!matches) return 'wrong';
  const ageMs = Math.abs(at.nowMs - Number(parsed.time) * 1000);
  return ageMs > STRIPE_TOLERANCE_MS ? 'too_old' : null;
}
