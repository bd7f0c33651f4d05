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

const VARIABLES = { admin: 'GATEWAY_ADMIN_KEY', service: 'GATEWAY_API_KEY' } as const;

export interface Bootstrapped {
  readonly snapshot: DirectorySnapshot;
  /** Sentences for the operator: nothing stops, but a key is not what it seems. */
  readonly warnings: readonly string[];
}

/**
 * Adds the bootstrap keys that are missing and revokes those of an earlier configuration, so that a replaced
 * `GATEWAY_ADMIN_KEY` stops working. A bootstrap key that was revoked stays revoked.
 *
 * @throws Error with one sentence when a configured key already belongs to somebody else
 */
export async function bootstrapDirectory(input: BootstrapInput): Promise<Bootstrapped> {
  const { directory } = input.store;
  const snapshot = await directory.snapshot();
  const warnings: string[] = [];
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
    const known = snapshot.keys.find((key) => key.hash === wanted.hash);
    if (known === undefined) await directory.createKey(wanted);
    else if (known.type !== type) {
      throw new Error(
        `${VARIABLES[type]} holds a key that exists already as ${known.type} key (${known.id}). Set another value of at least 20 characters.`,
      );
    } else if (known.revokedAtMs !== null) {
      warnings.push(
        `The ${type} key of ${VARIABLES[type]} or credentials.json was revoked (${known.id}) and stays so. Set ${VARIABLES[type]} to a new value to get a working one.`,
      );
    }
  }
  return { snapshot: await directory.snapshot(), warnings };
}
