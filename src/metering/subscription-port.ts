/**
 * What happens to a subscription over its life: changes that are scheduled, and events of payment systems.
 *
 * @module
 */
import type { SubscriptionStatus } from '../contracts/metering.ts';
import type {
  CustomerRecord,
  Page,
  PageQuery,
  SubscriptionPatch,
  SubscriptionRecord,
} from './ports.ts';

/** A change that will happen by itself when its time comes. */
export type ScheduledChange =
  | {
      readonly change: 'plan';
      readonly planId: string;
      readonly planVersion: number;
      readonly atMs: number;
    }
  /** The subscription ends. */
  | { readonly change: 'cancel'; readonly atMs: number }
  /** A trial becomes a paid subscription. */
  | { readonly change: 'activate'; readonly atMs: number }
  /** A trial ends without having become one. */
  | { readonly change: 'expire'; readonly atMs: number };

/** Changes that can be called off. */
export const REVOCABLE_CHANGES = ['plan', 'cancel', 'activate'] as const;
export type RevocableChange = (typeof REVOCABLE_CHANGES)[number];

/** Subscriptions beyond the directory's own operations. */
export interface Subscriptions {
  /** Calls off a scheduled change. @throws GatewayError `not_found` where none of the kind is scheduled */
  revokeScheduled(customerId: string, change: RevocableChange): Promise<SubscriptionRecord>;
  /**
   * Keeps an event and makes the change it asks for, in one transaction. Repeated: the first answer. What is older
   * than what set the same thing last changes nothing.
   *
   * @throws GatewayError `idempotency_mismatch` where another event has the same id
   */
  recordEvent(event: SubscriptionEvent): Promise<RecordedEvent>;
  /** Newest first. */
  events(query: SubscriptionEventQuery): Promise<Page<SubscriptionEventRecord>>;
}

/** What a payment system can say of a subscription. */
export const SUBSCRIPTION_EVENT_TYPES = [
  'subscription.created',
  'subscription.trial_started',
  'subscription.activated',
  'subscription.renewed',
  'subscription.past_due',
  'subscription.paused',
  'subscription.resumed',
  'subscription.plan_changed',
  'subscription.cancelled',
  'subscription.cancellation_revoked',
  'subscription.expired',
] as const;
/** Those, and the word that a payer is a certain customer, which changes no subscription. */
export const RECORDED_EVENT_TYPES = [...SUBSCRIPTION_EVENT_TYPES, 'customer.linked'] as const;
/** A name of {@link RECORDED_EVENT_TYPES}. */
export type SubscriptionEventType = (typeof RECORDED_EVENT_TYPES)[number];

/** One thing that happened to a subscription, as a payment system tells it. Absent members say nothing. */
export interface SubscriptionEvent {
  /** Which system tells it; ids are unique within one. */
  readonly source: string;
  readonly id: string;
  readonly type: SubscriptionEventType;
  readonly occurredAtMs: number;
  /** Order of events of one moment. */
  readonly sequence: number;
  /** `cus_…` or `externalId`; null where only the payer is known. */
  readonly customer: string | null;
  /** The payment system's own id of the customer: remembered with `customer`, looked up without. */
  readonly payer: string | null;
  /**
   * The payment system's id of the subscription. Where a customer has had several, one that another has taken the
   * place of no longer ends or interrupts anything.
   */
  readonly reference: string | null;
  /**
   * Set for an event that tells of a payment, not of the subscription: it changes the state only where that is one of
   * these, and what tells of the subscription itself still counts if it is older.
   */
  readonly onlyFrom: readonly SubscriptionStatus[] | null;
  /** What becomes of an event of a customer who does not exist: made with the event's plan, or refused. */
  readonly unknownCustomer: 'create' | 'refuse';
  readonly name: string | null;
  readonly planId?: string;
  readonly at: SubscriptionPatch['at'];
  readonly mode: SubscriptionPatch['mode'];
  readonly trialEndMs?: number;
  /** True where the trial goes on as a paid subscription by itself. */
  readonly trialConverts: boolean;
  readonly graceUntilMs?: number | null;
  /** True where a grace that runs already is not made longer. */
  readonly graceStands: boolean;
  readonly cancelAtMs?: number | null;
  readonly cadence?: 'month' | 'year';
  readonly timezone?: string;
  readonly anchorLocal?: string;
  /** Equal where the event says the same. */
  readonly fingerprint: string;
  /** The event as it came, JSON. */
  readonly body: string;
}

/** What became of an event. A failed one is tried anew when it is sent again. */
export type SubscriptionEventOutcome = 'applied' | 'ignored' | 'failed';

export interface SubscriptionEventRecord {
  readonly source: string;
  readonly id: string;
  readonly type: SubscriptionEventType;
  readonly occurredAtMs: number;
  readonly receivedAtMs: number;
  /** Null where there is none such. */
  readonly customerId: string | null;
  readonly outcome: SubscriptionEventOutcome;
  /** Why it was ignored or failed, and what of an applied one was older than what had been set; else null. */
  readonly reason: string | null;
  /** Times a failed event was sent. */
  readonly tries: number;
  /** JSON. */
  readonly body: string;
}

/** What recording an event answers. */
export interface RecordedEvent {
  readonly event: SubscriptionEventRecord;
  /** Why it failed; the event is kept all the same. */
  readonly failure: {
    readonly code: 'not_found';
    readonly message: string;
    readonly param: string;
  } | null;
  /** The customer that the event made. */
  readonly created: CustomerRecord | null;
  readonly replayed: boolean;
}

export interface SubscriptionEventQuery extends PageQuery {
  readonly customerId: string | null;
}
