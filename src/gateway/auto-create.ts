/**
 * Creates the customer that a service key names for the first time, where the operator has asked for it.
 *
 * @module
 */
import { GatewayError, isGatewayError } from '../contracts/gateway-error.ts';
import { authenticateKey } from './caller.ts';
import type { Exchange } from './exchange.ts';
import type { Gateway } from './gateway.ts';

const EXTERNAL_ID_MAX_CHARACTERS = 200;

/**
 * Does nothing unless `customers.autoCreate` names a plan and the request is a service key's for a customer that
 * does not exist yet. Two requests at once create one customer.
 *
 * @throws GatewayError `invalid_api_key`; `invalid_request` for a name that no customer may have
 */
export async function ensureCustomer(gateway: Gateway, exchange: Exchange): Promise<void> {
  const planId = gateway.settings.autoCreatePlanId;
  const externalId = exchange.header('x-gateway-customer');
  if (planId === null || externalId === null || gateway.directory.customer(externalId) !== null)
    return;
  const key = authenticateKey(gateway.directory, exchange, exchange.startedAtMs);
  if (key.type !== 'service') return;
  if (externalId.length > EXTERNAL_ID_MAX_CHARACTERS || externalId.startsWith('cus_')) {
    throw new GatewayError('invalid_request', {
      message: 'x-gateway-customer must have 1 to 200 characters and not start with "cus_".',
      param: 'x-gateway-customer',
    });
  }
  try {
    const { customer } = await gateway.store.directory.createCustomer({
      externalId,
      name: null,
      planId,
      trialDays: null,
      cadence: 'month',
      timezone: 'UTC',
      anchorLocal: null,
    });
    gateway.directory.putCustomer(customer);
  } catch (error) {
    const known =
      isGatewayError(error) && error.code === 'conflict'
        ? await gateway.store.directory.customer(externalId)
        : null;
    if (known === null) throw error;
    gateway.directory.putCustomer(known.customer);
  }
}
