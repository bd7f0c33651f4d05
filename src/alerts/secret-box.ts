/**
 * Secrets at rest: AES-256-GCM under a key derived (HKDF-SHA256) from the gateway's encryption key, a key for each
 * purpose, so that a text sealed for one opens for no other.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 'v1.';
const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface SecretBox {
  /** Encrypts; the same text seals differently each time. */
  seal(secret: string): string;
  /** @throws Error when the text was sealed under another key or has been changed */
  open(sealed: string): string;
}

/** A box for one purpose. `encryptionKey` is text of any form and at least 20 characters. */
export function createSecretBox(encryptionKey: string, purpose: string): SecretBox {
  const key = Buffer.from(
    hkdfSync('sha256', encryptionKey, 'alwrity-gateway', `secret box: ${purpose}`, 32),
  );
  return {
    seal(secret) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return VERSION + Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url');
      if (!sealed.startsWith(VERSION) || bytes.length < IV_BYTES + TAG_BYTES) {
        throw new Error('This is no sealed secret.');
      }
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const body = bytes.subarray(IV_BYTES + TAG_BYTES);
      try {
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new Error(
          'A stored secret does not open: GATEWAY_ENCRYPTION_KEY or credentials.json is not the one it was sealed with.',
          { cause },
        );
      }
    },
  };
}
