/**
 * Encrypts replies that are kept under an idempotency key. Customer, idempotency key and request id are authenticated
 * with each, so that no row can stand in for another.
 *
 * @module
 */
import { Seal } from '../secrets/sealed-bytes.ts';
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

function contextOf({ scope, key, requestId }: Claim): string {
  return JSON.stringify([scope, key, requestId]);
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
  readonly #seal: Seal;

  /** @param encryptionKey the gateway's own, text of any form with at least 20 characters */
  constructor(encryptionKey: string) {
    this.#seal = new Seal(encryptionKey, 'kept replies');
  }

  seal(reply: KeptReply, claim: Claim): Uint8Array {
    return this.#seal.seal(pack(reply), contextOf(claim));
  }

  /** Null when it was sealed under another key or for another call, or is damaged. */
  open(sealed: Uint8Array, claim: Claim): KeptReply | null {
    const plain = this.#seal.open(sealed, contextOf(claim));
    return plain === null ? null : unpack(plain);
  }
}
