/**
 * Keys and customers in memory: what authentication looks up. Changed by the control plane in the same turn
 * in which a change is committed, so that a revocation holds for the next request.
 *
 * @module
 */
import type { ClientTokens } from './client-tokens.ts';
import type { CustomerRecord, DirectorySnapshot, KeyRecord } from '../metering/ports.ts';

export class DirectoryCache {
  /** Signs and reads client tokens. */
  readonly tokens: ClientTokens;
  readonly #keysById = new Map<string, KeyRecord>();
  readonly #keysByHash = new Map<string, KeyRecord>();
  readonly #customersById = new Map<string, CustomerRecord>();
  readonly #customersByExternalId = new Map<string, CustomerRecord>();

  constructor(snapshot: DirectorySnapshot, tokens: ClientTokens) {
    this.tokens = tokens;
    for (const key of snapshot.keys) this.putKey(key);
    for (const customer of snapshot.customers) this.putCustomer(customer);
  }

  /** Adds or replaces a key; revoked keys stay, so that they are told apart in the log. */
  putKey(key: KeyRecord): void {
    this.#keysByHash.set(key.hash, key);
    this.#keysById.set(key.id, key);
  }

  putCustomer(customer: CustomerRecord): void {
    this.#customersById.set(customer.id, customer);
    this.#customersByExternalId.set(customer.externalId, customer);
  }

  keyByHash(hash: string): KeyRecord | null {
    return this.#keysByHash.get(hash) ?? null;
  }

  keyById(keyId: string): KeyRecord | null {
    return this.#keysById.get(keyId) ?? null;
  }

  /** By `cus_…` or the operator's `externalId`. */
  customer(idOrExternalId: string): CustomerRecord | null {
    return (
      this.#customersById.get(idOrExternalId) ??
      this.#customersByExternalId.get(idOrExternalId) ??
      null
    );
  }
}
