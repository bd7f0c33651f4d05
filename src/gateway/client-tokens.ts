/**
 * Client tokens: a back end mints one for a browser, and it says itself whose it is, what it may do and until when.
 * Nothing is stored of it but what it has spent; it ends with its time or with the key that minted it.
 *
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

/** What a token says. */
export interface ClientTokenClaims {
  /** `agt_…`: names its counters. */
  readonly id: string;
  /** The service key that minted it. */
  readonly keyId: string;
  readonly customerId: string;
  /** Globs; null where the minting key's scope alone decides. */
  readonly operations: readonly string[] | null;
  readonly models: readonly string[] | null;
  readonly maxSpendNanoUsd: bigint | null;
  readonly expiresAtMs: number;
}

type Payload = readonly [
  id: string,
  keyId: string,
  customerId: string,
  operations: readonly string[] | null,
  models: readonly string[] | null,
  maxSpendNanoUsd: string | null,
  expiresAtMs: number,
];

/** How a client token is told from a key. */
export const CLIENT_TOKEN_PREFIX = 'agt_';

/** Longest token: what a header block of the default size bears beside everything else. */
export const CLIENT_TOKEN_MAX_CHARACTERS = 4_096;

export class ClientTokens {
  readonly #key: Buffer;

  /** @param encryptionKey the gateway's secret, of which this takes a key of its own */
  constructor(encryptionKey: string) {
    const info = 'alwrity-gateway/client-token';
    this.#key = Buffer.from(hkdfSync('sha256', encryptionKey, '', info, 32));
  }

  /** The token as its holder sends it. */
  sign(claims: ClientTokenClaims): string {
    const { id, keyId, customerId, operations, models, maxSpendNanoUsd, expiresAtMs } = claims;
    const spend = maxSpendNanoUsd === null ? null : String(maxSpendNanoUsd);
    const payload: Payload = [id, keyId, customerId, operations, models, spend, expiresAtMs];
    const text = Buffer.from(JSON.stringify(payload)).toString('base64url');
    return `${CLIENT_TOKEN_PREFIX}${text}.${this.#signature(text).toString('base64url')}`;
  }

  /** What the token says; null where this gateway has not signed it. Whether it has expired is the caller's question. */
  read(token: string): ClientTokenClaims | null {
    if (token.length > CLIENT_TOKEN_MAX_CHARACTERS || !token.startsWith(CLIENT_TOKEN_PREFIX)) {
      return null;
    }
    const [text = '', signature = ''] = token.slice(CLIENT_TOKEN_PREFIX.length).split('.');
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#signature(text);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
    const payload = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Payload;
    const [id, keyId, customerId, operations, models, spend, expiresAtMs] = payload;
    const maxSpendNanoUsd = spend === null ? null : BigInt(spend);
    return { id, keyId, customerId, operations, models, maxSpendNanoUsd, expiresAtMs };
  }

  #signature(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}
