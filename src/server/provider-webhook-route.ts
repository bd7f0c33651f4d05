/**
 * Where providers tell how work stands. What they say only wakes whoever follows the work: polling would learn the same, so
 * that a message that is lost, late or repeated changes nothing.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { ProviderFailureError } from '../contracts/provider-failure.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { queryOf } from './query-of.ts';
import type { Route } from './routes.ts';
import type { NodeExchange } from './node-exchange.ts';
import { sendJson } from './self-service.ts';

const BODY_MAX_BYTES = 1024 * 1024;

function headersOf({ request }: NodeExchange): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

async function serveMessage(
  gateway: Gateway,
  exchange: NodeExchange,
  providerId: string,
): Promise<void> {
  const provider = gateway.providers.get(providerId);
  const webhook = provider?.definition.jobs?.webhook;
  const secret = webhook === undefined ? undefined : provider?.settings[webhook.secretSetting];
  if (webhook === undefined || secret === undefined || secret === '') {
    throw new GatewayError('not_found', {
      message: `No messages of "${providerId.slice(0, 64)}" are taken here.`,
    });
  }
  const body = await exchange.readBody(BODY_MAX_BYTES);
  const message = { headers: headersOf(exchange), body, secret, nowMs: gateway.clock.nowMs() };
  let said: ReturnType<typeof webhook.read>;
  try {
    said = webhook.read(message);
  } catch (error) {
    if (!(error instanceof ProviderFailureError)) throw error;
    throw new GatewayError('invalid_request', {
      message: 'The message cannot be read.',
      cause: error,
    });
  }
  if (said === null) {
    throw new GatewayError('forbidden', { message: 'The signature of the message is not valid.' });
  }
  await gateway.jobs.hear({ provider: providerId, jobId: queryOf(exchange).get('job'), ...said });
  sendJson(gateway, exchange, { received: true });
}

/** The route of all providers. */
export function providerWebhookRoute(gateway: Gateway): Route {
  return {
    method: 'POST',
    path: '/v1/provider-webhooks/',
    isWork: false,
    handle: (exchange, providerId) => serveMessage(gateway, exchange, providerId),
  };
}
