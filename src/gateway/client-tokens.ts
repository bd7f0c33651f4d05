/**
 * Client tokens: a back end mints one for a browser, and it says itself whose it is, what it may do and until when.
 * Nothing is stored of it but what it has spent; it ends with its time or with the key that minted it.
 *
 * @module
 */
import { SignedText } from '../secrets/signed-text.ts';

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
  readonly #signed: SignedText<Payload>;

  /** @param encryptionKey the gateway's secret, of which this takes a key of its own */
  constructor(encryptionKey: string) {
    this.#signed = new SignedText(encryptionKey, {
      purpose: 'client-token',
      prefix: CLIENT_TOKEN_PREFIX,
      maxCharacters: CLIENT_TOKEN_MAX_CHARACTERS,
    });
  }

  /** The token as its holder sends it. */
  sign(claims: ClientTokenClaims): string {
    const { id, keyId, customerId, operations, models, maxSpendNanoUsd, expiresAtMs } = claims;
    const spend = maxSpendNanoUsd === null ? null : String(maxSpendNanoUsd);
    return this.#signed.sign([id, keyId, customerId, operations, models, spend, expiresAtMs]);
  }

  /** What the token says; null where this gateway has not signed it. Whether it has expired is the caller's question. */
  read(token: string): ClientTokenClaims | null {
    const payload = this.#signed.read(token);
    if (payload === null) return null;
    const [id, keyId, customerId, operations, models, spend, expiresAtMs] = payload;
    const maxSpendNanoUsd = spend === null ? null : BigInt(spend);
    return { id, keyId, customerId, operations, models, maxSpendNanoUsd, expiresAtMs };
  }
}
