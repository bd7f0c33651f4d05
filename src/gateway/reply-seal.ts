/**
 * Encrypts replies that are kept under an idempotency key: AES-256-GCM (NIST SP 800-38D) with a nonce of its own for
 * each, under a key that HKDF (RFC 5869) derives from the gateway's encryption key.
 *
 * A sealed reply is one byte of format, 12 of nonce, 16 of tag, and the ciphertext. Customer, idempotency key and
 * request id are authenticated with it, so that no row can stand in for another.
 *
 * @module
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Claim } from '../metering/idempotency-port.ts';

/** A reply as it was sent. */
export interface KeptReply {
  readonly status: number;
  /** Names and values by turns; without those of the connection. */
  readonly headers: readonly string[];
  /** Sent as a stream: without a length. */
  readonly stream: boolean;
  readonly body: Buffer;
}

const CIPHER = 'aes-256-gcm';
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = 'alwrity-gateway kept replies 1';

function associatedData({ scope, key, requestId }: Claim): Buffer {
  return Buffer.from(JSON.stringify([scope, key, requestId]));
}

function pack({ status, headers, stream, body }: KeptReply): Buffer {
  const head = Buffer.from(JSON.stringify([status, headers, stream]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, body]);
}

function unpack(plain: Buffer): KeptReply {
  const end = 4 + plain.readUInt32LE(0);
  const head = JSON.parse(plain.toString('utf8', 4, end)) as [number, string[], boolean];
  return { status: head[0], headers: head[1], stream: head[2], body: plain.subarray(end) };
}

export class ReplySeal {
  readonly #key: Buffer;

  /** @param encryptionKey the gateway's own, text of any form with at least 20 characters */
  constructor(encryptionKey: string) {
    this.#key = Buffer.from(hkdfSync('sha256', encryptionKey, '', PURPOSE, 32));
  }

  seal(reply: KeptReply, claim: Claim): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(associatedData(claim));
    const sealed = Buffer.concat([cipher.update(pack(reply)), cipher.final()]);
    return Buffer.concat([Buffer.of(FORMAT), nonce, cipher.getAuthTag(), sealed]);
  }

  /** Null when it was sealed under another key or for another call, or is damaged. */
  open(sealed: Uint8Array, claim: Claim): KeptReply | null {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    const tagAt = 1 + NONCE_BYTES;
    if (bytes.length < tagAt + TAG_BYTES || bytes[0] !== FORMAT) return null;
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(1, tagAt), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associatedData(claim)).setAuthTag(bytes.subarray(tagAt, tagAt + TAG_BYTES));
    try {
      const plain = decipher.update(bytes.subarray(tagAt + TAG_BYTES));
      return unpack(Buffer.concat([plain, decipher.final()]));
    } catch {
      return null;
    }
  }
}
