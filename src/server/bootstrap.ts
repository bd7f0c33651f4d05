/**
 * Makes the bootstrap keys known to the directory: the admin key, and the service key that acts as `default`.
 *
 * @module
 */
import type { IdSource } from '../contracts/ids.ts';
import { hashKey } from '../gateway/caller.ts';
import type {
  CustomerRecord,
  DirectorySnapshot,
  KeyRecord,
  MeteringStore,
} from '../metering/ports.ts';

/** Customer for whom the bootstrap service key calls when a request names none. */
export const DEFAULT_CUSTOMER = 'default';

const NAMES = { admin: 'bootstrap admin', service: 'bootstrap service' } as const;

export interface BootstrapInput {
  readonly store: MeteringStore;
  readonly keys: { readonly admin: string; readonly service: string };
  readonly ids: IdSource;
  readonly nowMs: number;
}

function bootstrapKey(
  input: BootstrapInput,
  type: 'admin' | 'service',
  customer: CustomerRecord | null,
): KeyRecord {
  const key = input.keys[type];
  return {
    id: input.ids.next('key'),
    type,
    name: NAMES[type],
    hash: hashKey(key),
    prefix: key.slice(0, 8),
    last4: key.slice(-4),
    customerId: null,
    defaultCustomerId: type === 'service' ? (customer?.id ?? null) : null,
    scopes: null,
    createdAtMs: input.nowMs,
    expiresAtMs: null,
    revokedAtMs: null,
  };
}

/**
 * Adds the bootstrap keys that are missing and revokes those of an earlier configuration, so that a replaced
 * `GATEWAY_ADMIN_KEY` stops working.
 *
 * @returns the directory as it is afterwards
 */
export async function bootstrapDirectory(input: BootstrapInput): Promise<DirectorySnapshot> {
  const { directory } = input.store;
  const snapshot = await directory.snapshot();
  const customer =
    snapshot.customers.find((known) => known.externalId === DEFAULT_CUSTOMER) ?? null;
  for (const type of ['admin', 'service'] as const) {
    const wanted = bootstrapKey(input, type, customer);
    const live = snapshot.keys.filter(
      (key) => key.name === NAMES[type] && key.type === type && key.revokedAtMs === null,
    );
    for (const old of live) {
      if (old.hash !== wanted.hash) await directory.revokeKey(old.id, input.nowMs);
    }
    if (!live.some((key) => key.hash === wanted.hash)) await directory.createKey(wanted);
  }
  return directory.snapshot();
}
