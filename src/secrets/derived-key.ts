/**
 * Keys of one purpose each, out of the gateway's one encryption key: what is sealed or signed for one opens for no
 * other.
 *
 * @module
 */
import { hkdfSync } from 'node:crypto';

const KEY_BYTES = 32;

/**
 * 256 bits by HKDF-SHA256 (RFC 5869).
 *
 * @param encryptionKey text of any form with at least 20 characters
 * @param purpose stands in the derivation; changing it makes what was sealed or signed before unreadable
 */
export function derivedKey(encryptionKey: string, purpose: string): Buffer {
  return Buffer.from(
    hkdfSync('sha256', encryptionKey, '', `alwrity-gateway/${purpose}`, KEY_BYTES),
  );
}
