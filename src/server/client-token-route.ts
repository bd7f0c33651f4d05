/**
 * Minting client tokens.
 *
 * @module
 */
import type { z } from 'zod';
import { clientTokenRequestSchema } from '../dialects/client-tokens/schema.ts';
import { parseJsonObject } from '../dialects/json-body.ts';
import { invalidRequest, pathOf } from '../dialects/validation.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import { parseUsd } from '../contracts/money.ts';
import { assertInAddressScope, authenticateKey } from '../gateway/caller.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { CLIENT_TOKEN_MAX_CHARACTERS } from '../gateway/client-tokens.ts';
import { answerOnce } from '../gateway/idempotent.ts';
import { assertJsonBody } from '../gateway/request-headers.ts';
import type { KeyRecord } from '../metering/ports.ts';
import type { Route } from './routes.ts';
import { jsonReply } from './self-service.ts';

const MAX_BODY_BYTES = 64 * 1024;

/** @throws GatewayError `invalid_api_key`; `forbidden` for any key but a service key */
function mintingKey(gateway: Gateway, exchange: Exchange): KeyRecord {
  const key = authenticateKey(gateway.directory, exchange, exchange.startedAtMs);
  if (key.type !== 'service') {
    throw new GatewayError('forbidden', {
      message: 'Only a service key mints client tokens.',
    });
  }
  assertInAddressScope(key, exchange.address);
  return key;
}

type MintRequest = z.output<typeof clientTokenRequestSchema>;

/** @throws GatewayError `invalid_request` naming the member */
function parseMintRequest(bytes: Buffer, maxDepth: number): MintRequest {
  const parsed = clientTokenRequestSchema.safeParse(parseJsonObject(bytes, maxDepth));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const steps = issue?.code === 'unrecognized_keys' ? [issue.keys[0] ?? ''] : [];
  throw invalidRequest(
    pathOf([...(issue?.path ?? []), ...steps]),
    steps.length > 0 ? 'is not known here.' : `${issue?.message ?? 'is not valid'}.`,
  );
}

/** @throws GatewayError `not_found`; `invalid_request` */
function mint(
  gateway: Gateway,
  key: KeyRecord,
  { request, nowMs }: { readonly request: MintRequest; readonly nowMs: number },
): { readonly token: string; readonly expires_at: string } {
  const { customer: name, operations, models, max_spend_usd, expires_in_s } = request;
  const customer = gateway.directory.customer(name);
  if (customer === null) {
    throw new GatewayError('not_found', {
      message: `There is no customer "${name}". Create it with POST /admin/v1/customers.`,
      param: 'customer',
    });
  }
  const endsAtMs = nowMs + expires_in_s * 1000;
  // A token never outlives its key.
  const expiresAtMs = Math.min(endsAtMs, key.expiresAtMs ?? endsAtMs);
  const token = gateway.directory.tokens.sign({
    id: gateway.ids.next('agt'),
    keyId: key.id,
    customerId: customer.id,
    operations: operations ?? null,
    models: models ?? null,
    maxSpendNanoUsd: max_spend_usd === undefined ? null : parseUsd(max_spend_usd, 'max_spend_usd'),
    expiresAtMs,
  });
  if (token.length > CLIENT_TOKEN_MAX_CHARACTERS) {
    throw invalidRequest('models', 'and operations are too long for a token; use fewer globs.');
  }
  return { token, expires_at: new Date(expiresAtMs).toISOString() };
}

async function serveMint(gateway: Gateway, exchange: Exchange): Promise<void> {
  const key = mintingKey(gateway, exchange);
  assertJsonBody(exchange);
  const body = await exchange.readBody(MAX_BODY_BYTES);
  const request = parseMintRequest(body, gateway.settings.maxJsonDepth);
  // A token minted twice would have its bound twice.
  await answerOnce(gateway, exchange, {
    ownerId: key.id,
    body,
    run: async () =>
      jsonReply(gateway, exchange, mint(gateway, key, { request, nowMs: exchange.startedAtMs })),
  });
}

export function clientTokenRoute(gateway: Gateway): Route {
  return {
    method: 'POST',
    path: '/v1/client-tokens',
    isWork: false,
    handle: (exchange) => serveMint(gateway, exchange),
  };
}
