/**
 * Stripe's events in the gateway's terms. Everything needed stands in the event itself: Stripe is never called.
 *
 * Events of a subscription carry the whole of it, so its state, plan and end follow from `status`, the price and
 * `cancel_at`; events of invoices only say that a debt was made or settled.
 *
 * Sources: event object https://docs.stripe.com/api/events/object; statuses
 * https://docs.stripe.com/api/subscriptions/object#subscription_object-status; `invoice.parent` since 2025-03-31
 * https://docs.stripe.com/changelog/basil/2025-03-31/adds-new-parent-field-to-invoicing-objects; periods of items
 * https://docs.stripe.com/changelog/basil/2025-03-31/deprecate-subscription-current-period-start-and-end; checkout
 * https://docs.stripe.com/api/checkout/sessions/object
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { SubscriptionEvent } from '../../metering/subscription-port.ts';

/** How Stripe's objects are read. */
export interface StripeSettings {
  /** Plan ids by price id, lookup key or product id. */
  readonly prices: Readonly<Record<string, string>>;
  /** How long a subscription may go on calling after a payment failed, milliseconds. */
  readonly graceMs: number;
  readonly unknownCustomer: SubscriptionEvent['unknownCustomer'];
  /** Member of `metadata` that names the customer. */
  readonly customerKey: string;
}

/** Either an id or the object itself. */
const reference = z
  .union([z.string(), z.looseObject({ id: z.string() })])
  .transform((value) => (typeof value === 'string' ? value : value.id));

const metadata = z.record(z.string(), z.string()).nullish();
const seconds = z.int().nullish();

const subscriptionShape = z.looseObject({
  id: z.string(),
  customer: reference,
  status: z.string(),
  metadata,
  trial_end: seconds,
  cancel_at: seconds,
  cancel_at_period_end: z.boolean().nullish(),
  current_period_end: seconds,
  trial_settings: z
    .looseObject({
      end_behavior: z.looseObject({ missing_payment_method: z.string().nullish() }).nullish(),
    })
    .nullish(),
  items: z.looseObject({
    data: z.array(
      z.looseObject({
        current_period_end: seconds,
        price: z.looseObject({
          id: z.string(),
          lookup_key: z.string().nullish(),
          product: reference.nullish(),
          recurring: z.looseObject({ interval: z.string() }).nullish(),
        }),
      }),
    ),
  }),
});
type StripeSubscription = z.output<typeof subscriptionShape>;

const invoiceShape = z.looseObject({
  id: z.string().nullish(),
  customer: reference,
  billing_reason: z.string().nullish(),
  subscription: reference.nullish(),
  parent: z
    .looseObject({
      subscription_details: z
        .looseObject({ subscription: reference.nullish(), metadata })
        .nullish(),
    })
    .nullish(),
});

const checkoutShape = z.looseObject({
  customer: reference.nullish(),
  subscription: reference.nullish(),
  client_reference_id: z.string().nullish(),
  metadata,
});

const eventShape = z.looseObject({
  id: z.string().min(1).max(200),
  type: z.string(),
  created: z.int().positive(),
  data: z.looseObject({
    object: z.looseObject({}),
    previous_attributes: z.looseObject({ status: z.unknown() }).partial().nullish(),
  }),
});
type StripeEvent = z.output<typeof eventShape>;

/** What an event asks for, or why it asks for nothing. */
export type StripeReading =
  | { readonly type: 'event'; readonly event: SubscriptionEvent }
  | { readonly type: 'ignored'; readonly reason: string };

/** Stripe's times have whole seconds: of two events of one second the one that says more comes later. */
const SEQUENCES = { created: 0, linked: 1, invoice: 2, updated: 3, deleted: 4 } as const;

function baseOf(told: StripeEvent, sequence: keyof typeof SEQUENCES) {
  return {
    source: 'stripe',
    id: told.id,
    // Up to the end of its second, so that it is not taken for older than what happened within it.
    occurredAtMs: told.created * 1000 + 999,
    sequence: SEQUENCES[sequence],
    customer: null,
    payer: null,
    reference: null,
    onlyFrom: null,
    unknownCustomer: 'refuse',
    name: null,
    at: 'now',
    mode: 'keep_used',
    trialConverts: false,
    graceStands: true,
    // Deliveries of one event differ in `pending_webhooks`.
    fingerprint: createHash('sha256')
      .update(JSON.stringify([told.type, told.created, told.data]))
      .digest('base64url'),
    body: JSON.stringify(told),
  } as const;
}

function planOf({ items }: StripeSubscription, prices: StripeSettings['prices']): string | null {
  const names = items.data.map(({ price }) => [price.id, price.lookup_key, price.product]);
  for (const name of names.flat()) {
    const plan = name === null || name === undefined ? undefined : prices[name];
    if (plan !== undefined) return plan;
  }
  // A price that is not named stands for the plan of its own name.
  const [first] = items.data;
  return first === undefined ? null : (first.price.lookup_key ?? first.price.id);
}

function endOf(subscription: StripeSubscription): number | null {
  const { cancel_at: cancelAt, cancel_at_period_end: atPeriodEnd, items } = subscription;
  const periodEnd = items.data[0]?.current_period_end ?? subscription.current_period_end;
  const end = cancelAt ?? (atPeriodEnd === true ? periodEnd : null);
  return end === null || end === undefined ? null : end * 1000;
}

type StateMembers = Pick<SubscriptionEvent, 'type'> &
  Partial<Pick<SubscriptionEvent, 'trialEndMs' | 'trialConverts' | 'graceUntilMs'>>;

/** The event that the subscription's status stands for; null while its first payment is awaited. */
function stateMembers(
  told: StripeEvent,
  subscription: StripeSubscription,
  graceMs: number,
): StateMembers | null {
  const begins =
    told.type === 'customer.subscription.created' ||
    told.data.previous_attributes?.status === 'incomplete';
  const trialEnd = subscription.trial_end;
  switch (subscription.status) {
    case 'active':
      return { type: begins ? 'subscription.created' : 'subscription.activated' };
    case 'trialing': {
      const ending = subscription.trial_settings?.end_behavior?.missing_payment_method;
      return {
        type: begins ? 'subscription.created' : 'subscription.trial_started',
        trialConverts: ending !== 'cancel' && ending !== 'pause',
        ...(trialEnd === null || trialEnd === undefined ? {} : { trialEndMs: trialEnd * 1000 }),
      };
    }
    case 'past_due':
      return { type: 'subscription.past_due', graceUntilMs: told.created * 1000 + graceMs };
    case 'unpaid':
      return { type: 'subscription.past_due', graceUntilMs: null };
    case 'paused':
      return { type: 'subscription.paused' };
    case 'canceled':
      return { type: 'subscription.cancelled' };
    case 'incomplete_expired':
      return { type: 'subscription.expired' };
    default:
      return null;
  }
}

function readSubscription(told: StripeEvent, settings: StripeSettings): StripeReading {
  const subscription = subscriptionShape.parse(told.data.object);
  const state =
    told.type === 'customer.subscription.deleted'
      ? ({ type: 'subscription.cancelled' } as const)
      : stateMembers(told, subscription, settings.graceMs);
  if (state === null) {
    return { type: 'ignored', reason: `The subscription is ${subscription.status}.` };
  }
  const ends = state.type === 'subscription.cancelled' || state.type === 'subscription.expired';
  const planId = ends ? null : planOf(subscription, settings.prices);
  const interval = subscription.items.data[0]?.price.recurring?.interval;
  const kind = told.type === 'customer.subscription.created' ? 'created' : 'updated';
  return {
    type: 'event',
    event: {
      ...baseOf(told, told.type === 'customer.subscription.deleted' ? 'deleted' : kind),
      ...state,
      customer: subscription.metadata?.[settings.customerKey] ?? null,
      payer: subscription.customer,
      reference: subscription.id,
      unknownCustomer: ends ? 'refuse' : settings.unknownCustomer,
      ...(planId === null ? {} : { planId }),
      ...(ends ? {} : { cancelAtMs: endOf(subscription) }),
      ...(interval === 'month' || interval === 'year' ? { cadence: interval } : {}),
    },
  };
}

function readInvoice(told: StripeEvent, settings: StripeSettings): StripeReading {
  const invoice = invoiceShape.parse(told.data.object);
  const details = invoice.parent?.subscription_details;
  const subscription = details?.subscription ?? invoice.subscription ?? null;
  if (subscription === null)
    return { type: 'ignored', reason: 'The invoice is of no subscription.' };
  // A first payment decides whether there is a subscription at all: its own events tell.
  if (invoice.billing_reason === 'subscription_create') {
    return { type: 'ignored', reason: 'The events of the new subscription tell of it.' };
  }
  const paid = told.type === 'invoice.paid';
  return {
    type: 'event',
    event: {
      ...baseOf(told, 'invoice'),
      type: paid ? 'subscription.renewed' : 'subscription.past_due',
      onlyFrom: paid ? ['past_due'] : ['active', 'past_due'],
      customer: details?.metadata?.[settings.customerKey] ?? null,
      payer: invoice.customer,
      reference: subscription,
      ...(paid ? {} : { graceUntilMs: told.created * 1000 + settings.graceMs }),
    },
  };
}

function readCheckout(told: StripeEvent, settings: StripeSettings): StripeReading {
  const session = checkoutShape.parse(told.data.object);
  const customer = session.client_reference_id ?? session.metadata?.[settings.customerKey] ?? null;
  const payer = session.customer ?? null;
  if (customer === null || payer === null) {
    return { type: 'ignored', reason: 'The session names no customer of the gateway.' };
  }
  return {
    type: 'event',
    event: { ...baseOf(told, 'linked'), type: 'customer.linked', customer, payer },
  };
}

/**
 * Reads an event whose signature has been checked.
 *
 * @throws ZodError where it is not shaped as Stripe documents it
 */
export function readStripeEvent(value: unknown, settings: StripeSettings): StripeReading {
  const told = eventShape.parse(value);
  switch (told.type) {
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
    case 'customer.subscription.trial_will_end':
      return readSubscription(told, settings);
    case 'invoice.paid':
    case 'invoice.payment_failed':
      return readInvoice(told, settings);
    case 'checkout.session.completed':
      return readCheckout(told, settings);
    default:
      return { type: 'ignored', reason: 'Events of this type change no subscription.' };
  }
}
