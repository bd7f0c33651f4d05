/**
 * Signatures of the gateway's own over text: HMAC-SHA256 (RFC 2104), truncated, compared in constant time.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { derivedKey } from './derived-key.ts';

export class Signer {
  readonly #key: Buffer;
  readonly #signatureBytes: number;

  /**
   * @param encryptionKey the gateway's secret, of which this takes a key of its own for the purpose
   * @param signature its purpose and length; at least 16 bytes are beyond guessing
   */
  constructor(
    encryptionKey: string,
    signature: { readonly purpose: string; readonly bytes: number },
  ) {
    this.#key = derivedKey(encryptionKey, signature.purpose);
    this.#signatureBytes = signature.bytes;
  }

  /** The signature in base64url. */
  sign(text: string): string {
    return this.#signature(text).toString('base64url');
  }

  /** Takes as long for every wrong signature. */
  isSignature(given: string, text: string): boolean {
    const bytes = Buffer.from(given, 'base64url');
    const wanted = this.#signature(text);
    return bytes.length === wanted.length && timingSafeEqual(bytes, wanted);
  }

  #signature(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest().subarray(0, this.#signatureBytes);
  }
}
