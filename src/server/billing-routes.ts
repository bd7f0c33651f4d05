/**
 * Routes that payment systems call. They carry no key of ours: a signature stands for it, and a route whose secret is
 * not set does not exist.
 *
 * @module
 */
import type { GatewayConfig } from '../config/index.ts';
import { receiveStripeEvent, type StripeWebhook } from '../dialects/stripe/webhook.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Route } from './routes.ts';
import { sendJson } from './self-service.ts';

/** Stripe's largest events, with a hundred line items, take about a tenth of this. */
const BODY_BYTES_MAX = 1024 * 1024;

async function serveStripe(
  gateway: Gateway,
  webhook: StripeWebhook,
  exchange: Exchange,
): Promise<void> {
  const body = await exchange.readBody(BODY_BYTES_MAX);
  const signature = exchange.header('stripe-signature');
  sendJson(gateway, exchange, await receiveStripeEvent(webhook, { signature, body }));
}

export function billingRoutes(
  gateway: Gateway,
  { stripe }: GatewayConfig['billing'],
): readonly Route[] {
  const { webhookSecret: secret, ...settings } = stripe;
  if (secret === '') return [];
  const webhook: StripeWebhook = {
    secret,
    settings,
    subscriptions: gateway.store.subscriptions,
    nowMs: () => gateway.clock.nowMs(),
    onCustomerChange: (customer) => gateway.directory.putCustomer(customer),
  };
  return [
    {
      method: 'POST',
      path: '/webhooks/stripe',
      isWork: true,
      handle: (exchange) => serveStripe(gateway, webhook, exchange),
    },
  ];
}
