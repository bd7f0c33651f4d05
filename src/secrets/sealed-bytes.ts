/**
 * Encryption at rest: AES-256-GCM (NIST SP 800-38D) with a nonce of its own for each text. Sealed bytes are one byte
 * of format, 12 of nonce, 16 of tag, and the ciphertext.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { derivedKey } from './derived-key.ts';

const CIPHER = 'aes-256-gcm';
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const BODY_AT = 1 + NONCE_BYTES + TAG_BYTES;

export class Seal {
  readonly #key: Buffer;

  constructor(encryptionKey: string, purpose: string) {
    this.#key = derivedKey(encryptionKey, purpose);
  }

  /** Encrypts; the same text seals differently each time. `context` is authenticated with it, so that it opens nowhere else. */
  seal(plain: Uint8Array, context = ''): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(context));
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), body]);
  }

  /** Null when it was sealed under another key or context, or is damaged. */
  open(sealed: Uint8Array, context = ''): Buffer | null {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes.length < BODY_AT || bytes[0] !== FORMAT) return null;
    const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(1 + NONCE_BYTES, BODY_AT));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(BODY_AT)), decipher.final()]);
    } catch {
      return null;
    }
  }
}
