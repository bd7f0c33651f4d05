/**
 * Whose subscription a compatibility route is about: the gateway's keys stand for ALwrity's user tokens.
 *
 * @module
 */
import { GatewayError, isGatewayError } from '../../contracts/gateway-error.ts';
import { authenticate, type Caller } from '../../gateway/caller.ts';
import type { Exchange } from '../../gateway/exchange.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import type { Directory } from '../../metering/ports.ts';

/** Who asks, and the customer that is asked about. */
export type UserAccount = NonNullable<Awaited<ReturnType<Directory['customer']>>> & {
  readonly caller: Caller;
};

function noSuchUser(user: string): GatewayError {
  return new GatewayError('not_found', {
    message: `There is no user "${user.slice(0, 200)}".`,
    param: 'user',
  });
}

/** @param user the one that the path names; null: whom the key acts for */
function callerFor(gateway: Gateway, exchange: Exchange, user: string | null): Caller {
  const headers = {
    header: (name: string): string | null =>
      name === 'x-gateway-customer' && user !== null ? user : exchange.header(name),
  };
  try {
    return authenticate(gateway.directory, headers, {
      nowMs: exchange.startedAtMs,
      operation: null,
      address: exchange.address,
    });
  } catch (error) {
    // Another customer's id is answered as one that does not exist.
    const isOther = isGatewayError(error) && error.param === 'x-gateway-customer';
    throw isOther && user !== null ? noSuchUser(user) : error;
  }
}

/**
 * @param user `externalId` (or `cus_…`) in the path; null: whom the key acts for
 * @throws GatewayError `not_found` for another customer's id, and what `authenticate` throws
 */
export async function accountOf(
  gateway: Gateway,
  exchange: Exchange,
  user: string | null,
): Promise<UserAccount> {
  const caller = callerFor(gateway, exchange, user);
  const account = await gateway.store.directory.customer(caller.customer.id);
  if (account === null) throw noSuchUser(user ?? caller.customer.externalId);
  return { ...account, caller: { ...caller, planId: account.plan.id } };
}
