/**
 * The token of a held quote: who may draw on it, until when, and at which prices. It says so itself and is signed, so
 * that a forged one costs no look into the store.
 *
 * @module
 */
import { SignedText } from '../../secrets/signed-text.ts';

export interface QuoteClaims {
  readonly customerId: string;
  readonly quoteId: string;
  readonly priceBookId: string;
  readonly expiresAtMs: number;
}

type Payload = readonly [
  customerId: string,
  quoteId: string,
  priceBookId: string,
  expiresAtMs: number,
];

export class QuoteTokens {
  readonly #signed: SignedText<Payload>;

  /** @param encryptionKey the gateway's secret, of which this takes a key of its own */
  constructor(encryptionKey: string) {
    this.#signed = new SignedText(encryptionKey, {
      purpose: 'quote',
      prefix: 'qh_',
      maxCharacters: 512,
      // Truncated to 128 bits, which is beyond guessing and keeps the header short.
      signatureBytes: 16,
    });
  }

  sign({ customerId, quoteId, priceBookId, expiresAtMs }: QuoteClaims): string {
    return this.#signed.sign([customerId, quoteId, priceBookId, expiresAtMs]);
  }

  /** What the token says; null where this gateway has not signed it. */
  read(token: string): QuoteClaims | null {
    const payload = this.#signed.read(token);
    if (payload === null) return null;
    const [customerId, quoteId, priceBookId, expiresAtMs] = payload;
    return { customerId, quoteId, priceBookId, expiresAtMs };
  }
}
