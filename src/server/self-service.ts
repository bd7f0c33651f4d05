/**
 * What a key may ask about itself: models, limits, usage, its requests.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { LimitStatus } from '../contracts/limit-status.ts';
import { findModel, listModels, servedModels } from '../dialects/openai/models.ts';
import { authenticate, isModelInScope, type Caller } from '../gateway/caller.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { KeptReply } from '../gateway/reply-seal.ts';
import type { KeyRecord } from '../metering/ports.ts';
import { compileGlob } from '../metering/core/glob.ts';
import { showOwnDetail } from '../dialects/admin/routes/requests.ts';
import { showBalance } from '../dialects/admin/routes/wallet.ts';
import { ownReplyHeaders } from './own-reply-headers.ts';

/** Whose key the request carries. */
export function callerOf(gateway: Gateway, exchange: Exchange): Caller {
  return authenticate(gateway.directory, exchange, {
    nowMs: exchange.startedAtMs,
    operation: null,
    address: exchange.address,
  });
}

/** A JSON reply of a route that calls no provider: cost 0. */
export function jsonReply(gateway: Gateway, exchange: Exchange, body: unknown): KeptReply {
  const headers = ownReplyHeaders(gateway, exchange);
  headers.push('content-type', 'application/json');
  return { status: 200, headers, stream: false, body: Buffer.from(JSON.stringify(body)) };
}

/** Sends {@link jsonReply}. */
export function sendJson(gateway: Gateway, exchange: Exchange, body: unknown): void {
  const reply = jsonReply(gateway, exchange, body);
  exchange.send(reply.status, [...reply.headers], reply.body);
}

/** Whether the caller's plan and key allow a listed model; an alias is allowed when its first candidate is. */
async function modelFilter(gateway: Gateway, caller: Caller): Promise<(model: string) => boolean> {
  const account = await gateway.store.directory.customer(caller.customer.id);
  const globs = account?.plan.plan.models?.map(compileGlob) ?? null;
  return (model) => {
    const candidates = gateway.catalog.resolve(model) ?? [];
    return candidates.some(({ provider, model: name }) => {
      const full = `${provider}/${name}`;
      return (
        isModelInScope(caller.key, full) &&
        (globs === null || globs.some((matches) => matches(full)))
      );
    });
  };
}

export async function serveModels(gateway: Gateway, exchange: Exchange): Promise<void> {
  const isAllowed = await modelFilter(gateway, callerOf(gateway, exchange));
  sendJson(gateway, exchange, listModels(gateway.catalog, gateway.clock.nowMs(), isAllowed));
}

export async function serveModel(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const isAllowed = await modelFilter(gateway, callerOf(gateway, exchange));
  const model = findModel(gateway.catalog, id, { nowMs: gateway.clock.nowMs(), isAllowed });
  if (model === null) {
    throw new GatewayError('model_not_found', {
      message: `The model "${id.slice(0, 200)}" is not known here. GET /v1/models lists the models you may use.`,
      param: 'model',
    });
  }
  sendJson(gateway, exchange, model);
}

function limitsOf(gateway: Gateway, { customer, key }: Caller): Promise<readonly LimitStatus[]> {
  return gateway.store.ledger.limits(customer.id, key.id, key.clientToken?.claim ?? null);
}

/** The key as its holder knows it: the holder of a client token knows nothing of the key that minted it. */
function keyOf({ key }: Caller): Pick<KeyRecord, 'id' | 'type' | 'name'> {
  const { id, type, name, clientToken } = key;
  if (clientToken === undefined) return { id, type, name };
  return { id: clientToken.claim.id, type, name: 'client token' };
}

export async function serveLimits(gateway: Gateway, exchange: Exchange): Promise<void> {
  const caller = callerOf(gateway, exchange);
  sendJson(gateway, exchange, {
    limits: await limitsOf(gateway, caller),
  });
}

export async function serveMe(gateway: Gateway, exchange: Exchange): Promise<void> {
  const caller = callerOf(gateway, exchange);
  const account = await gateway.store.directory.customer(caller.customer.id);
  const isAllowed = await modelFilter(gateway, caller);
  const period = account?.subscription.period;
  sendJson(gateway, exchange, {
    customer: { id: caller.customer.id, externalId: caller.customer.externalId },
    key: keyOf(caller),
    subscription:
      account === null || period === undefined
        ? null
        : {
            status: account.subscription.status,
            plan: {
              id: account.plan.id,
              version: account.plan.version,
              name: account.plan.plan.name,
            },
            period: {
              id: period.id,
              start: new Date(period.startMs).toISOString(),
              end: new Date(period.endMs).toISOString(),
            },
          },
    limits: await limitsOf(gateway, caller),
    wallet: showBalance(await gateway.store.wallets.wallet(caller.customer.id)),
    models: servedModels(gateway.catalog, gateway.clock.nowMs())
      .map((listing) => listing.id)
      .filter(isAllowed),
  });
}

export async function serveRequest(
  gateway: Gateway,
  exchange: Exchange,
  id: string,
): Promise<void> {
  const caller = callerOf(gateway, exchange);
  const detail = await gateway.store.reader.request(id);
  if (detail === null || detail.customerId !== caller.customer.id) {
    throw new GatewayError('not_found', { message: `There is no request "${id.slice(0, 100)}".` });
  }
  sendJson(gateway, exchange, showOwnDetail(detail));
}
