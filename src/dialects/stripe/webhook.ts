/**
 * Stripe's webhook: checks the signature over the bytes as they came, reads the event, records it. A reply of 2xx
 * tells Stripe that it need not send the event again; any other lets it repeat for up to three days.
 *
 * @module
 */
import { ZodError } from 'zod';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { CustomerRecord } from '../../metering/ports.ts';
import type { Subscriptions } from '../../metering/subscription-port.ts';
import { readStripeEvent, type StripeReading, type StripeSettings } from './event.ts';
import { type SignatureFault, signatureFault } from './signature.ts';

/** What the webhook works with. */
export interface StripeWebhook {
  /** The endpoint's signing secret, `whsec_…`. */
  readonly secret: string;
  readonly settings: StripeSettings;
  readonly subscriptions: Pick<Subscriptions, 'recordEvent'>;
  readonly nowMs: () => number;
  readonly onCustomerChange: (customer: CustomerRecord) => void;
}

/** What is answered with 200. */
export interface StripeReply {
  readonly outcome: 'applied' | 'ignored';
  readonly reason: string | null;
}

const FAULTS: Readonly<Record<Exclude<SignatureFault, null>, string>> = {
  missing: 'The header Stripe-Signature is missing.',
  malformed: 'The header Stripe-Signature holds no time and v1 signature.',
  wrong: 'No signature fits: is billing.stripe.webhookSecret the signing secret of this endpoint?',
  too_old: 'The signature is older than five minutes, or a clock is wrong.',
};

function read(body: Buffer, settings: StripeSettings): StripeReading {
  try {
    return readStripeEvent(JSON.parse(body.toString('utf8')), settings);
  } catch (cause) {
    if (!(cause instanceof ZodError) && !(cause instanceof SyntaxError)) throw cause;
    const path = cause instanceof ZodError ? (cause.issues[0]?.path.join('.') ?? '') : '';
    throw new GatewayError('invalid_request', {
      message: `The body is no event as Stripe documents it${path === '' ? '' : ` (${path})`}.`,
      ...(path === '' ? {} : { param: path }),
      cause,
    });
  }
}

/**
 * @throws GatewayError `invalid_request` for a signature that does not count or a body that is no event, `not_found`
 *   for a customer or plan that does not exist, `idempotency_mismatch` where another event had the id
 */
export async function receiveStripeEvent(
  webhook: StripeWebhook,
  request: { readonly signature: string | null; readonly body: Buffer },
): Promise<StripeReply> {
  const { secret, settings } = webhook;
  const fault = signatureFault(request.signature, request.body, {
    secret,
    nowMs: webhook.nowMs(),
  });
  if (fault !== null) {
    throw new GatewayError('invalid_request', {
      message: FAULTS[fault],
      param: 'stripe-signature',
    });
  }
  const reading = read(request.body, settings);
  if (reading.type === 'ignored') return { outcome: 'ignored', reason: reading.reason };
  const recorded = await webhook.subscriptions.recordEvent(reading.event);
  if (recorded.created !== null) webhook.onCustomerChange(recorded.created);
  const { failure, event } = recorded;
  if (failure !== null) {
    const hint =
      failure.param === 'plan'
        ? ' Name the plan of its price under billing.stripe.prices.'
        : ` Name the customer in the subscription's metadata (${settings.customerKey}), or as client_reference_id of the checkout session.`;
    throw new GatewayError(failure.code, {
      message: `${failure.message}${hint}`,
      param: failure.param,
    });
  }
  return { outcome: event.outcome === 'applied' ? 'applied' : 'ignored', reason: event.reason };
}
