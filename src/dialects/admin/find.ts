/**
 * Finding what a request names.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { Directory, KeyRecord, MeteringStore, PlanRecord } from '../../metering/ports.ts';

/** A customer with subscription and plan. */
export type FoundCustomer = NonNullable<Awaited<ReturnType<Directory['customer']>>>;

function notFound(what: string, name: string, param: string): GatewayError {
  return new GatewayError('not_found', {
    message: `There is no ${what} "${name.slice(0, 200)}".`,
    param,
  });
}

/** @throws GatewayError `not_found` naming `param` */
export async function findCustomer(
  store: MeteringStore,
  name: string,
  param: string,
): Promise<FoundCustomer> {
  const found = await store.directory.customer(name);
  if (found === null) throw notFound('customer', name, param);
  return found;
}

/** The newest version of each plan, by id. */
export async function newestPlans(store: MeteringStore): Promise<ReadonlyMap<string, PlanRecord>> {
  const newest = new Map<string, PlanRecord>();
  for (const record of await store.directory.plans()) {
    const known = newest.get(record.id);
    if (known === undefined || known.version < record.version) newest.set(record.id, record);
  }
  return newest;
}

/** @throws GatewayError `not_found` naming `param` */
export async function findPlan(
  store: MeteringStore,
  planId: string,
  param: string,
): Promise<PlanRecord> {
  const record = (await newestPlans(store)).get(planId);
  if (record === undefined) throw notFound('plan', planId, param);
  return record;
}

const KEYS_PER_READ = 200;

/** @throws GatewayError `not_found` */
export async function findKey(store: MeteringStore, keyId: string): Promise<KeyRecord> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Directory['keys']>> = await store.directory.keys({
      customerId: null,
      limit: KEYS_PER_READ,
      cursor,
    });
    const found = page.data.find((key) => key.id === keyId);
    if (found !== undefined) return found;
    cursor = page.nextCursor;
  } while (cursor !== null);
  throw notFound('key', keyId, 'id');
}
