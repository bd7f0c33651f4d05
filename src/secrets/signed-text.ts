/**
 * Tokens that say themselves what they mean: `<prefix><JSON in base64url>.<HMAC-SHA256 in base64url>`, so that a
 * forged one costs no look into the store.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { derivedKey } from './derived-key.ts';

export interface SignedTextOptions {
  readonly purpose: string;
  /** How such a token is told from others, e.g. `agt_`. */
  readonly prefix: string;
  /** Longer ones are not looked at. */
  readonly maxCharacters: number;
  /** Of the signature; at least 16, which is beyond guessing. Default 32. */
  readonly signatureBytes?: number;
}

export class SignedText<Payload> {
  readonly #key: Buffer;
  readonly #options: SignedTextOptions;

  constructor(encryptionKey: string, options: SignedTextOptions) {
    this.#key = derivedKey(encryptionKey, options.purpose);
    this.#options = options;
  }

  sign(payload: Payload): string {
    const text = Buffer.from(JSON.stringify(payload)).toString('base64url');
    return `${this.#options.prefix}${text}.${this.#signature(text).toString('base64url')}`;
  }

  /** What the token says; null where this gateway has not signed it for this purpose. */
  read(token: string): Payload | null {
    const { prefix, maxCharacters } = this.#options;
    if (token.length > maxCharacters || !token.startsWith(prefix)) return null;
    const [text = '', signature = ''] = token.slice(prefix.length).split('.');
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#signature(text);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Payload;
  }

  #signature(text: string): Buffer {
    const whole = createHmac('sha256', this.#key).update(text).digest();
    return whole.subarray(0, this.#options.signatureBytes ?? whole.length);
  }
}
