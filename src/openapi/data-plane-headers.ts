/**
 * Headers of the data plane.
 *
 * @module
 */
import { z } from 'zod';
import { IDEMPOTENCY_KEY_MAX } from '../contracts/idempotency.ts';

const text = (description: string) => z.string().optional().describe(description);

/** Headers that every reply has. */
export const REPLY_HEADERS = z.object({
  'x-request-id': z.string().describe('`req_…`; also names the request in GET /v1/requests/{id}.'),
  'x-gateway-attempts': z.string().describe('Calls to providers that this request made.'),
  'x-gateway-overhead-ms': z.string().describe('Time that the gateway itself took.'),
  'x-gateway-cost': text('US dollars, nine places. In streams it stands in the last frame.'),
});

/** Headers of replies that a provider was asked for. */
export const PROVIDER_REPLY_HEADERS = z.object({
  'x-gateway-provider': text('Provider that answered.'),
  'x-gateway-model': text('Model that answered.'),
  'x-gateway-warnings': text('What was changed on the way, such as `max_tokens_clamped=212`.'),
  'idempotency-replayed': text(
    '`true` when this is the reply of an earlier call with the same Idempotency-Key.',
  ),
  'x-gateway-simulated': text('`true` when a built-in simulator answered.'),
  'x-ratelimit-limit-requests': text('Tightest limit on requests.'),
  'x-ratelimit-remaining-requests': text('What is left of it.'),
  'x-ratelimit-reset-requests': text('When it is whole again, such as `6m0s`.'),
  'x-ratelimit-limit-tokens': text('Tightest limit on tokens.'),
  'x-ratelimit-remaining-tokens': text('What is left of it.'),
  'x-ratelimit-reset-tokens': text('When it is whole again.'),
});

/** Request headers of calls that act for a customer. */
export const CUSTOMER_HEADERS = z.object({
  'x-gateway-customer': text(
    'Customer that a service key acts for: `externalId` or `cus_…`. Default: the customer of the key.',
  ),
});

/** Request headers of calls to a provider. */
export const CALL_HEADERS = CUSTOMER_HEADERS.extend({
  'x-gateway-timeout-ms': text('Longest duration of the whole call; it can only shorten the setting.'),
  'x-gateway-quote': text(
    '`hold.token` of a quote, optionally with `;op=<operation id>`: the call runs on what it holds.',
  ),
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(IDEMPOTENCY_KEY_MAX)
    .optional()
    .describe(
      'Repeating the request with the same key gets the first reply and calls no provider again.',
    ),
  'x-gateway-tags': text('JSON object of at most 16 short strings, for attribution.'),
});
