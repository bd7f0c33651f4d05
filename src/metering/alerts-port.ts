/**
 * Alerts, the outbox that carries them, and where they go: the doors between the gateway and whoever keeps them.
 * Every implementation passes `alerts.contract.ts`.
 *
 * An alert and its outbox row are written in the transaction of what they tell, so that neither exists without the
 * other. Times are milliseconds since the epoch; amounts are decimal strings in the meter's own unit.
 *
 * @module
 */
import type { Meter } from '../contracts/metering.ts';
import type { Page, PageQuery } from './ports.ts';

/**
 * - `threshold`: use of a limit has reached a share of it · `recovered`: more was granted, or use was given back, and
 *   use is below again
 * - `wallet_low`: a wallet's balance is below what is configured; recovers with the next credit
 * - `forecast`: the period's use so far leads beyond the limit · `anomaly`: an hour cost far more than its customer's usual
 * - `ledger_mismatch`: the counters do not follow from the ledger · `operator`: something only the operator can mend
 * - `leaked_holds`: open holds belonged to no call and became unknown
 */
export const ALERT_KINDS = [
  'threshold',
  'recovered',
  'wallet_low',
  'forecast',
  'anomaly',
  'ledger_mismatch',
  'operator',
  'leaked_holds',
] as const;
/** A name of {@link ALERT_KINDS}. */
export type AlertKind = (typeof ALERT_KINDS)[number];

/** What a webhook may ask for: kinds of alerts, and `job`: the ends of jobs. */
export const WEBHOOK_KINDS = [...ALERT_KINDS, 'job'] as const;
/** A name of {@link WEBHOOK_KINDS}. */
export type WebhookKind = (typeof WEBHOOK_KINDS)[number];

export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** Where a limit stands in one box of its window. */
export interface LimitStanding {
  readonly limit_id: string;
  readonly meter: Meter;
  /** `customer`, `key:<id>`, `client_token:<id>`, `tag:<name>=<value>`, `deployment` or `provider:<id>`. */
  readonly scope: string;
  /** Start and end of the box; null where it never ends. */
  readonly starts_at: string;
  readonly ends_at: string | null;
  readonly limit: string;
  readonly used: string;
  readonly held: string;
  /** Used, in percent of the limit, cut to two places. */
  readonly percent: number;
}

/** What an alert says, by kind. JSON-safe; sent to webhooks as it is. */
export type AlertBody =
  | {
      readonly kind: 'threshold';
      /** `threshold` in percent. */
      readonly data: LimitStanding & { readonly threshold: number };
    }
  | {
      readonly kind: 'recovered';
      readonly data: LimitStanding & {
        /** Percents that hold no more, lowest first; empty when a forecast has recovered. */
        readonly thresholds: readonly number[];
        /** Ids of the alerts that are over. */
        readonly recovers: readonly string[];
      };
    }
  | {
      readonly kind: 'wallet_low';
      readonly data: {
        /** What is left of all credits, less what is owed; held amounts are still in it. */
        readonly balance_usd: string;
        readonly held_usd: string;
        readonly below_usd: string;
        /** Null where only a fixed amount counts, or nothing was ever paid in. */
        readonly last_top_up_usd: string | null;
      };
    }
  | {
      readonly kind: 'forecast';
      /** `projected` use at the end of the box. */
      readonly data: LimitStanding & { readonly projected: string };
    }
  | {
      readonly kind: 'anomaly';
      readonly data: {
        readonly hour: string;
        readonly spent_usd: string;
        /** Median of the customer's hours with spend in the week before, and how many those were. */
        readonly usual_usd: string;
        readonly hours: number;
      };
    }
  | {
      readonly kind: 'ledger_mismatch';
      readonly data: {
        readonly mismatches: number;
        readonly first: readonly {
          readonly bucket: string;
          readonly field: string;
          readonly expected: string;
          readonly actual: string;
        }[];
      };
    }
  | {
      readonly kind: 'operator';
      readonly data: {
        readonly problem: string;
        readonly provider: string;
        readonly detail: string;
      };
    }
  | {
      readonly kind: 'leaked_holds';
      readonly data: {
        readonly holds: number;
        /** Some of them. */
        readonly first: readonly {
          readonly hold: string;
          readonly customer: string;
          readonly request: string;
          readonly created_at: string;
          /** Worst case of cost that it reserves, in US dollars. */
          readonly cost: string;
        }[];
      };
    };

/** An alert that is to be raised. */
export type AlertDraft = AlertBody & {
  readonly severity: AlertSeverity;
  /** Null for what concerns no customer; only destinations for all customers get it. */
  readonly customerId: string | null;
  /** While an alert of this key stands, another one is not raised. */
  readonly key: string;
  readonly atMs: number;
  /** When it is history by itself, such as the end of its period; null: when somebody acknowledges it. */
  readonly endsAtMs: number | null;
};

export type AlertRecord = AlertBody & {
  /** `evt_…`: the stable id that every delivery carries. */
  readonly id: string;
  readonly severity: AlertSeverity;
  readonly customerId: string | null;
  readonly externalId: string | null;
  readonly key: string;
  readonly atMs: number;
  readonly endsAtMs: number | null;
  readonly acknowledgedAtMs: number | null;
  readonly recoveredAtMs: number | null;
};

/** `open` until it is acknowledged, recovers, or its box ends (`past`). */
export const ALERT_STATES = ['open', 'acknowledged', 'recovered', 'past'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

export function alertStateOf(
  alert: Pick<AlertRecord, 'endsAtMs' | 'acknowledgedAtMs' | 'recoveredAtMs'>,
  nowMs: number,
): AlertState {
  if (alert.recoveredAtMs !== null) return 'recovered';
  if (alert.acknowledgedAtMs !== null) return 'acknowledged';
  return alert.endsAtMs !== null && alert.endsAtMs <= nowMs ? 'past' : 'open';
}

export interface AlertQuery extends PageQuery {
  readonly customerId: string | null;
  readonly kind: AlertKind | null;
  readonly state: AlertState | null;
  readonly nowMs: number;
}

/** What no longer holds. */
export interface Recovery {
  readonly customerId: string | null;
  readonly keys: readonly string[];
  /** Where the limit stands now. */
  readonly standing: LimitStanding | null;
  readonly thresholds: readonly number[];
  readonly atMs: number;
}

/** Use of a limit in the running period of one owner, base units of the meter. */
export interface PeriodUse {
  /** Null where the counter is nobody's: of a service key, the deployment, a provider. */
  readonly customerId: string | null;
  readonly ownerId: string;
  readonly limitId: string;
  readonly windowId: string;
  readonly meter: Meter;
  readonly startMs: number;
  readonly endMs: number;
  readonly limit: bigint;
  /** Spent and overrun. */
  readonly used: bigint;
  readonly held: bigint;
}

/** What a customer spent in the hours with spend of a range, nano-USD, oldest first. */
export interface SpendHistory {
  readonly customerId: string;
  readonly hours: readonly { readonly startMs: number; readonly nanoUsd: bigint }[];
}

export interface Alerts {
  /** Raises an alert and puts it into the outbox; null while one of its key stands. */
  raise(draft: AlertDraft): Promise<AlertRecord | null>;
  /**
   * Ends the standing alerts of these keys and, where any stood, tells so by one alert `recovered`; with `standing`
   * null nobody is told. @returns the alert that tells
   */
  recover(recovery: Recovery): Promise<AlertRecord | null>;
  /** Newest first. */
  list(query: AlertQuery): Promise<Page<AlertRecord>>;
  alert(id: string): Promise<AlertRecord | null>;
  /** Marks one as read; repeated: as it was. @throws GatewayError `not_found` */
  acknowledge(id: string, atMs: number): Promise<AlertRecord>;
  /** Alerts of a customer in all, and those that nobody has acknowledged. */
  counts(customerId: string): Promise<{ readonly total: number; readonly unread: number }>;
  /** Standing alerts of a kind whose box has not ended. */
  standing(kind: AlertKind, nowMs: number): Promise<readonly AlertRecord[]>;
  /** Limits of running periods that have been used at all. */
  periodUse(nowMs: number): Promise<readonly PeriodUse[]>;
  /** Of customers that spent at least `minimumNanoUsd` in the last hour of the range. */
  spendHistory(range: {
    readonly fromMs: number;
    readonly lastHourMs: number;
    readonly minimumNanoUsd: bigint;
  }): Promise<readonly SpendHistory[]>;
  /** Drops delivered outbox rows and closed alerts from before. @returns rows dropped */
  prune(before: { readonly deliveriesMs: number; readonly alertsMs: number }): Promise<number>;
}

/** A destination that stands in the configuration rather than in the store. */
export interface FixedDestination {
  readonly id: string;
  /** Kinds it wants; null: all. */
  readonly kinds: readonly AlertKind[] | null;
}

/** One event as it leaves. Equal at every attempt. */
export interface OutboxEvent {
  /** `evt_…` */
  readonly id: string;
  /** `alert.<kind>` for alerts. */
  readonly topic: string;
  readonly customerId: string | null;
  readonly externalId: string | null;
  readonly atMs: number;
  /** JSON. */
  readonly body: unknown;
}

/** An attempt that is due. */
export interface DueDelivery {
  readonly event: OutboxEvent;
  /** `wh_…`, or the id of a fixed destination. */
  readonly destination: string;
  /** Null for a fixed destination. */
  readonly webhook: WebhookRecord | null;
  /** Attempts since it was put into the queue, last or first time, and when that was. */
  readonly attempts: number;
  readonly queuedAtMs: number;
}

export interface OutboxClaim {
  readonly due: readonly DueDelivery[];
  /** When the next one that is not due yet will be; null: none waits. */
  readonly nextDueAtMs: number | null;
}

/** How an attempt ended and what follows. */
export interface AttemptResult {
  readonly eventId: string;
  readonly destination: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** HTTP status, or the SMTP reply code; null where nothing was answered. */
  readonly status: number | null;
  readonly error: string | null;
  /** Begin of the reply, at most 1 kB. */
  readonly reply: string | null;
  /** `delivered`, `dead`, or when to try again. */
  readonly next: 'delivered' | 'dead' | { readonly retryAtMs: number };
  /** Set where the receiver said that it wants no more: the webhook is disabled with this reason. */
  readonly disable: string | null;
}

export const DELIVERY_STATES = ['pending', 'delivered', 'dead'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

export interface DeliveryRecord {
  readonly eventId: string;
  readonly topic: string;
  readonly destination: string;
  readonly state: DeliveryState;
  readonly createdAtMs: number;
  /** Null unless pending. */
  readonly nextAttemptAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly attempts: readonly {
    readonly n: number;
    readonly startedAtMs: number;
    readonly durationMs: number;
    readonly status: number | null;
    readonly error: string | null;
    readonly reply: string | null;
  }[];
}

export interface DeliveryQuery extends PageQuery {
  readonly destination: string | null;
  readonly state: DeliveryState | null;
}

/** Rows that must be delivered at least once. Inserting happens where the event does; this is the other end. */
export interface Outbox {
  /**
   * Makes deliveries of new events for every destination that wants them, and tells which are due, oldest first,
   * up to `perDestination` each. What is claimed stays due until {@link Outbox.record}.
   */
  claim(request: {
    readonly nowMs: number;
    readonly perDestination: number;
    readonly fixed: readonly FixedDestination[];
  }): Promise<OutboxClaim>;
  record(result: AttemptResult): Promise<void>;
  /** Newest first. */
  deliveries(query: DeliveryQuery): Promise<Page<DeliveryRecord>>;
  /** Puts dead deliveries of a destination back into the queue, or a single one in any state. @returns how many */
  redeliver(which: {
    readonly destination: string;
    readonly eventId: string | null;
    readonly nowMs: number;
  }): Promise<number>;
  depth(): Promise<{ readonly pending: number; readonly dead: number }>;
  /** Called when rows may have been added. @returns unsubscribes */
  onChange(listener: () => void): () => void;
}

/** A signing secret at rest. */
export interface SealedSecret {
  /** Encrypted text; only the process with the encryption key can use it. */
  readonly sealed: string;
  readonly createdAtMs: number;
  /** From when on it no longer signs; null: the present one. */
  readonly expiresAtMs: number | null;
}

export interface WebhookRecord {
  /** `wh_…` */
  readonly id: string;
  readonly url: string;
  readonly description: string | null;
  /** Null: all. */
  readonly kinds: readonly WebhookKind[] | null;
  /** `cus_…`; null: all, and what concerns no customer. */
  readonly customerIds: readonly string[] | null;
  /** Newest first; every one that has not expired signs. */
  readonly secrets: readonly SealedSecret[];
  readonly createdAtMs: number;
  readonly disabledAtMs: number | null;
  readonly disabledReason: string | null;
}

export type WebhookPatch = Partial<
  Pick<
    WebhookRecord,
    'url' | 'description' | 'kinds' | 'customerIds' | 'secrets' | 'disabledAtMs' | 'disabledReason'
  >
>;

export interface Webhooks {
  create(webhook: WebhookRecord): Promise<void>;
  /** In order of creation. */
  list(page: PageQuery): Promise<Page<WebhookRecord>>;
  webhook(id: string): Promise<WebhookRecord | null>;
  /** @throws GatewayError `not_found` */
  patch(id: string, patch: WebhookPatch): Promise<WebhookRecord>;
  /** Its pending deliveries die. @throws GatewayError `not_found` */
  remove(id: string, atMs: number): Promise<void>;
}

/** Everything of this file, as a store has it. */
export interface Alerting {
  readonly alerts: Alerts;
  readonly outbox: Outbox;
  readonly webhooks: Webhooks;
}
