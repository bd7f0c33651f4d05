/**
 * Secrets of destinations at rest, as text.
 *
 * @module
 */
import { Seal } from '../secrets/sealed-bytes.ts';

const VERSION = 'v1.';

export interface SecretBox {
  /** Encrypts; the same text seals differently each time. */
  seal(secret: string): string;
  /** @throws Error when the text was sealed under another key or has been changed */
  open(sealed: string): string;
}

/** A box for one purpose. `encryptionKey` is text of any form and at least 20 characters. */
export function createSecretBox(encryptionKey: string, purpose: string): SecretBox {
  const seal = new Seal(encryptionKey, `secret box: ${purpose}`);
  return {
    seal: (secret) => VERSION + seal.seal(Buffer.from(secret)).toString('base64url'),
    open(sealed) {
      if (!sealed.startsWith(VERSION)) throw new Error('This is no sealed secret.');
      const plain = seal.open(Buffer.from(sealed.slice(VERSION.length), 'base64url'));
      if (plain !== null) return plain.toString('utf8');
      throw new Error(
        'A stored secret does not open: GATEWAY_ENCRYPTION_KEY or credentials.json is not the one it was sealed with.',
      );
    },
  };
}
