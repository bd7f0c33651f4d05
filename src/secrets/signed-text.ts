/**
 * Tokens that say themselves what they mean: `<prefix><JSON in base64url>.<HMAC-SHA256 in base64url>`, so that a
 * forged one costs no look into the store.
 *
 * @module
 */
import { Signer } from './signer.ts';

export interface SignedTextOptions {
  readonly purpose: string;
  /** How such a token is told from others, e.g. `agt_`. */
  readonly prefix: string;
  /** Longer ones are not looked at. */
  readonly maxCharacters: number;
  /** Of the signature; at least 16, which is beyond guessing. Default 32. */
  readonly signatureBytes?: number;
}

const WHOLE_BYTES = 32;

export class SignedText<Payload> {
  readonly #signer: Signer;
  readonly #options: SignedTextOptions;

  constructor(encryptionKey: string, options: SignedTextOptions) {
    const bytes = options.signatureBytes ?? WHOLE_BYTES;
    this.#signer = new Signer(encryptionKey, { purpose: options.purpose, bytes });
    this.#options = options;
  }

  sign(payload: Payload): string {
    const text = Buffer.from(JSON.stringify(payload)).toString('base64url');
    return `${this.#options.prefix}${text}.${this.#signer.sign(text)}`;
  }

  /** What the token says; null where this gateway has not signed it for this purpose. */
  read(token: string): Payload | null {
    const { prefix, maxCharacters } = this.#options;
    if (token.length > maxCharacters || !token.startsWith(prefix)) return null;
    const [text = '', signature = ''] = token.slice(prefix.length).split('.');
    if (!this.#signer.isSignature(signature, text)) return null;
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Payload;
  }
}
