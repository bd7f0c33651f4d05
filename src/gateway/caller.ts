/**
 * Who calls: the key, and the customer it acts for.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { Operation } from '../contracts/metering.ts';
import type { CustomerRecord, KeyRecord } from '../metering/ports.ts';
import { compileGlob, type GlobMatcher } from '../metering/core/glob.ts';
import { CLIENT_TOKEN_PREFIX } from './client-tokens.ts';
import type { DirectoryCache } from './directory-cache.ts';

export interface Caller {
  readonly key: KeyRecord;
  readonly customer: CustomerRecord;
  /** Plan by which price rules charge the call; null where no rule is for a plan. */
  readonly planId: string | null;
}

/** Reads request headers; the pipeline's only view of HTTP on the way in. */
export interface HeaderReader {
  header(name: string): string | null;
}

const MAX_KEY_CHARACTERS = 512;

/** Lower-case hex SHA-256 of a key, as keys are stored. */
export function hashKey(key: string): string {
  return hash('sha256', key, 'hex');
}

function presentedKey(headers: HeaderReader): string | null {
  const authorization = headers.header('authorization');
  if (authorization !== null) {
    const isBearer = authorization.startsWith('Bearer ') || /^bearer\s/i.test(authorization);
    return isBearer ? authorization.slice(7).trim() : null;
  }
  return headers.header('x-api-key') ?? headers.header('x-goog-api-key');
}

/** The customer key that a client token amounts to; null where it is not ours, has expired, or its key is gone. */
function keyOfToken(directory: DirectoryCache, token: string, nowMs: number): KeyRecord | null {
  const claims = directory.tokens.read(token);
  if (claims === null || claims.expiresAtMs <= nowMs) return null;
  const minting = directory.keyById(claims.keyId);
  if (minting === null || minting.type !== 'service') return null;
  const { id, customerId, operations, models, maxSpendNanoUsd, expiresAtMs } = claims;
  return {
    ...minting,
    type: 'customer',
    customerId,
    defaultCustomerId: null,
    clientToken: {
      claim: { id, maxSpendNanoUsd, expiresAtMs },
      within: { operations: operations ?? undefined, models: models ?? undefined },
    },
  };
}

function findKey(directory: DirectoryCache, presented: string, nowMs: number): KeyRecord | null {
  if (presented.startsWith(CLIENT_TOKEN_PREFIX)) return keyOfToken(directory, presented, nowMs);
  if (presented === '' || presented.length > MAX_KEY_CHARACTERS) return null;
  return directory.keyByHash(hashKey(presented));
}

/**
 * Finds the key of a request, whatever its type; of a client token the key that it amounts to.
 *
 * @throws GatewayError `invalid_api_key`: one body for missing, unknown, revoked and expired keys
 */
export function authenticateKey(
  directory: DirectoryCache,
  headers: HeaderReader,
  nowMs: number,
): KeyRecord {
  const presented = presentedKey(headers);
  const key = presented === null ? null : findKey(directory, presented, nowMs);
  const isLive =
    key !== null &&
    (key.revokedAtMs === null || key.revokedAtMs > nowMs) &&
    (key.expiresAtMs === null || key.expiresAtMs > nowMs);
  if (!isLive) {
    throw new GatewayError('invalid_api_key', {
      message:
        'The API key is missing or not valid. Send it as "Authorization: Bearer <key>", "x-api-key" or "x-goog-api-key".',
    });
  }
  return key;
}

function customerOf(
  directory: DirectoryCache,
  key: KeyRecord,
  named: string | null,
): CustomerRecord {
  if (key.type === 'customer') {
    const own = key.customerId === null ? null : directory.customer(key.customerId);
    if (own === null) {
      throw new GatewayError('invalid_api_key', {
        message: 'The customer of this API key no longer exists.',
      });
    }
    if (named !== null && named !== own.id && named !== own.externalId) {
      throw new GatewayError('forbidden', {
        message:
          'This key acts for its own customer only; leave x-gateway-customer out or use a service key.',
        param: 'x-gateway-customer',
      });
    }
    return own;
  }
  const wanted = named ?? key.defaultCustomerId;
  if (wanted === null) {
    throw new GatewayError('invalid_request', {
      message: 'A service key must name the customer it acts for in the header x-gateway-customer.',
      param: 'x-gateway-customer',
    });
  }
  const customer = directory.customer(wanted);
  if (customer === null) {
    throw new GatewayError('not_found', {
      message:
        'The customer that x-gateway-customer names does not exist. Create it with POST /admin/v1/customers.',
      param: 'x-gateway-customer',
    });
  }
  return customer;
}

/** Compiled patterns of key scopes; as many as operators have written. */
const scopeMatchers = new Map<string, GlobMatcher>();

function matcherOf(pattern: string): GlobMatcher {
  let matcher = scopeMatchers.get(pattern);
  if (matcher === undefined) {
    matcher = compileGlob(pattern);
    scopeMatchers.set(pattern, matcher);
  }
  return matcher;
}

function isInScope(allowed: readonly string[] | undefined, value: string): boolean {
  return allowed === undefined || allowed.some((pattern) => matcherOf(pattern)(value));
}

/**
 * Authenticates a data-plane request.
 *
 * @throws GatewayError `invalid_api_key`, `forbidden` (admin key, operation or address out of scope, another
 *   customer), `invalid_request` or `not_found` for the customer header
 */
export function authenticate(
  directory: DirectoryCache,
  headers: HeaderReader,
  facts: { readonly nowMs: number; readonly operation: Operation | null; readonly address: string },
): Caller {
  const key = authenticateKey(directory, headers, facts.nowMs);
  if (key.type === 'admin') {
    throw new GatewayError('forbidden', {
      message: 'An admin key serves the control plane only; use a customer or service key here.',
    });
  }
  assertInAddressScope(key, facts.address);
  if (facts.operation !== null && !isOperationInScope(key, facts.operation)) {
    throw new GatewayError('forbidden', {
      message: `This key may not be used for ${facts.operation}.`,
    });
  }
  const customer = customerOf(directory, key, headers.header('x-gateway-customer'));
  return { key, customer, planId: null };
}

/** @throws GatewayError `forbidden` when the key may not be used from the address */
export function assertInAddressScope(key: KeyRecord, address: string): void {
  if (isInScope(key.scopes?.ips, address)) return;
  throw new GatewayError('forbidden', { message: 'This key may not be used from this address.' });
}

/** Whether the key's scope lets a `provider/model` through. */
export function isModelInScope(key: KeyRecord, model: string): boolean {
  return isInScope(key.scopes?.models, model) && isInScope(key.clientToken?.within.models, model);
}

/** Whether the key's scope lets an operation through. */
export function isOperationInScope(key: KeyRecord, operation: Operation): boolean {
  return (
    isInScope(key.scopes?.operations, operation) &&
    isInScope(key.clientToken?.within.operations, operation)
  );
}

/** @throws GatewayError `model_not_allowed` when the key's scope excludes the model */
export function assertModelInScope(key: KeyRecord, model: string): void {
  if (isModelInScope(key, model)) return;
  throw new GatewayError('model_not_allowed', {
    message: `This key may not use the model ${model}. GET /v1/models lists those it may.`,
    param: 'model',
  });
}
