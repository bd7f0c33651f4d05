/**
 * The token of a held quote: who may draw on it, until when, and at which prices. It says so itself and is signed, so
 * that a forged one costs no look into the store.
 *
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

export interface QuoteClaims {
  readonly customerId: string;
  readonly quoteId: string;
  readonly priceBookId: string;
  readonly expiresAtMs: number;
}

const PREFIX = 'qh_';
/** Truncated to 128 bits, which is beyond guessing and keeps the header short. */
const SIGNATURE_BYTES = 16;
const MAX_CHARACTERS = 512;

export class QuoteTokens {
  readonly #key: Buffer;

  /** @param encryptionKey the gateway's secret, of which this takes a key of its own */
  constructor(encryptionKey: string) {
    this.#key = Buffer.from(hkdfSync('sha256', encryptionKey, '', 'alwrity-gateway/quote', 32));
  }

  sign(claims: QuoteClaims): string {
    const { customerId, quoteId, priceBookId, expiresAtMs } = claims;
    const payload = Buffer.from(
      JSON.stringify([customerId, quoteId, priceBookId, expiresAtMs]),
    ).toString('base64url');
    return `${PREFIX}${payload}.${this.#signature(payload).toString('base64url')}`;
  }

  /** What the token says; null where this gateway has not signed it. */
  read(token: string): QuoteClaims | null {
    if (token.length > MAX_CHARACTERS || !token.startsWith(PREFIX)) return null;
    const [payload = '', signature = ''] = token.slice(PREFIX.length).split('.');
    const given = Buffer.from(signature, 'base64url');
    if (given.length !== SIGNATURE_BYTES) return null;
    if (!timingSafeEqual(given, this.#signature(payload))) return null;
    const [customerId, quoteId, priceBookId, expiresAtMs] = JSON.parse(
      Buffer.from(payload, 'base64url').toString('utf8'),
    ) as [string, string, string, number];
    return { customerId, quoteId, priceBookId, expiresAtMs };
  }

  #signature(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest().subarray(0, SIGNATURE_BYTES);
  }
}
