/**
 * The doors between the gateway and metering. One implementation per store; every one passes
 * `store.contract.ts`. Times are milliseconds since the epoch, money is nano-USD.
 *
 * @module
 */
import type { LimitRefusal, LimitStatus } from '../contracts/limit-status.ts';
import type {
  LimitInput,
  Meter,
  Operation,
  PlanInput,
  SubscriptionStatus,
} from '../contracts/metering.ts';
import type { LimitBook } from './limit-port.ts';
import type { UsageVector } from '../contracts/usage.ts';
import type { ArchivedReport, ChainReport, LedgerOperations } from './ledger-operations-port.ts';
import type { Jobs } from './job-port.ts';
import type { AssetRecords } from '../media/asset-port.ts';
import type { AuditTrail } from './audit-port.ts';
import type { VoiceRecords } from './voice-port.ts';
import type { PlanPreviews } from './plan-preview-port.ts';
import type { PriceArchive } from './price-port.ts';
import type { Reconciliations } from './reconciliation-port.ts';
import type { ClaimSettlement, IdempotencyStore } from './idempotency-port.ts';
import type { UnbookedEnds } from './unbooked-port.ts';
import type { ScheduledChange, Subscriptions } from './subscription-port.ts';
import type { Alerting } from './alerts-port.ts';
import type { Quotes } from './quote-port.ts';
import type { Wallets } from './wallet-port.ts';

/** Whole base units by meter: nano-USD for `cost_usd`, milliseconds for meters in seconds, pieces for the rest. */
export type MeterAmounts = Readonly<Partial<Record<Meter, bigint>>>;

/**
 * The part of a bound that the ledger may lower: output tokens, each costing `nanoUsdPerMillion`.
 * They count on `output_tokens`, `total_tokens` and `cost_usd`.
 */
export interface ElasticOutput {
  /** Tokens wanted: what the caller named, or the model's cap. */
  readonly tokens: number;
  /** Fewest worth running; equal to `tokens` where the caller named the maximum, which is never lowered. */
  readonly minTokens: number;
  readonly nanoUsdPerMillion: bigint;
}

/** Upper bound of one candidate: `fixed` (input, one request) plus the elastic output. */
export interface CandidateBound {
  /** `provider/model` as resolved; limit globs match on it. */
  readonly model: string;
  readonly fixed: MeterAmounts;
  readonly elastic: ElasticOutput | null;
}

/** A client token as a call shows it: who it is and what it may spend. Its counters are its own. */
export interface TokenClaim {
  /** `agt_…` without the signed part. */
  readonly id: string;
  /** Over its whole life; null where only its customer's limits bind. */
  readonly maxSpendNanoUsd: bigint | null;
  readonly expiresAtMs: number;
}

export interface ReserveCommand {
  /** `hold_…`, chosen by the caller: repeating the command with it and the same fingerprint returns the stored answer. */
  readonly holdId: string;
  readonly requestId: string;
  readonly customerId: string;
  readonly keyId: string;
  /** The client token under which the call is made; `keyId` is then the key that minted it. */
  readonly token?: TokenClaim | null | undefined;
  readonly operation: Operation;
  readonly bound: CandidateBound;
  /** What the gateway found out about the price; a problem is reported only when nothing worse stands (contract §6). */
  readonly pricing: 'priced' | 'unpriced_model' | 'unbounded_cost';
  readonly priceBookId: string;
  readonly fingerprint: string;
  /** What a crash in mid-call charges at least under `charge_observed`: the input at its list price. */
  readonly observedFloor: MeterAmounts;
  readonly tags: Readonly<Record<string, string>> | null;
}

/** What `x-ratelimit-*` states: the tightest matching limit on a meter after this call. */
export interface RateView {
  readonly limit: string;
  readonly remaining: string;
  readonly resetMs: number | null;
}

export interface RateViews {
  readonly requests: RateView | null;
  readonly tokens: RateView | null;
}

export type RefusalCode =
  | 'subscription_inactive'
  | 'not_in_plan'
  | 'model_not_allowed'
  | 'unpriced_model'
  | 'unbounded_cost'
  | 'insufficient_funds'
  | 'limit_exceeded'
  | 'limit_held'
  | 'concurrency_limited'
  | 'rate_limited';

export interface Refused {
  readonly type: 'refused';
  readonly code: RefusalCode;
  readonly message: string;
  readonly refusal: LimitRefusal;
  /** Exact wait where waiting helps; null where it does not. */
  readonly retryAfterMs: number | null;
  readonly rates: RateViews;
}

export interface Held {
  readonly type: 'held';
  readonly holdId: string;
  /** Output tokens reserved; lower than wanted when clamped; null without an elastic part. */
  readonly outputTokens: number | null;
  /** Ids of `soft` limits that this call went beyond. */
  readonly softBreaches: readonly string[];
  readonly plan: { readonly id: string; readonly version: number };
  readonly rates: RateViews;
}

export interface ExtendCommand {
  readonly holdId: string;
  /** Bounds of earlier attempts that may be billed: they stay covered. */
  readonly keep: readonly CandidateBound[];
  readonly next: CandidateBound;
}

/** One call to one provider, as it is booked. */
export interface AttemptRecord {
  readonly n: number;
  readonly provider: string;
  readonly modelRequested: string;
  readonly modelServed: string | null;
  readonly providerRequestId: string | null;
  readonly dispatchedAtMs: number;
  readonly firstByteAtMs: number | null;
  readonly finishedAtMs: number;
  /** `succeeded`, `client_closed`, or the failure kind. */
  readonly outcome: string;
  readonly httpStatus: number | null;
  readonly billable: 'yes' | 'no' | 'unknown';
  readonly usage: UsageVector;
  /** True when the provider sent no usage and the counts are the gateway's own. */
  readonly estimated: boolean;
  readonly costNanoUsd: bigint;
  readonly priceItemId: string | null;
  /** What the call was like, where its price depends on that: size, resolution, sound … */
  readonly dimensions?: Readonly<Record<string, string>>;
  /** What the provider charges, where the customer's price is another: `costNanoUsd` is the customer's. */
  readonly providerCostNanoUsd?: bigint;
}

/** What one attempt adds to the counters; limit globs match on `model`. */
export interface Charge {
  /** `provider/model` as served where priced, else as requested. */
  readonly model: string;
  readonly amounts: MeterAmounts;
  /** By how much `cost_usd` is above what the provider charges, where a price rule makes them differ; may be negative. */
  readonly marginNanoUsd?: bigint | undefined;
}

/** The request as it is listed; never holds prompts or answers. */
export interface RequestRecord {
  readonly requestId: string;
  readonly customerId: string;
  readonly keyId: string;
  readonly operation: Operation;
  readonly modelAsked: string;
  readonly provider: string | null;
  readonly modelServed: string | null;
  readonly status: number;
  readonly errorCode: string | null;
  readonly stream: boolean;
  readonly clientClosed: boolean;
  readonly startedAtMs: number;
  readonly firstTokenAtMs: number | null;
  readonly finishedAtMs: number;
  readonly overheadMs: number;
  readonly attempts: number;
  readonly usage: UsageVector;
  readonly costNanoUsd: bigint;
  readonly estimated: boolean;
  readonly simulated: boolean;
  readonly warnings: readonly string[];
  readonly tags: Readonly<Record<string, string>> | null;
}

export interface SettleCommand {
  readonly holdId: string;
  readonly charges: readonly Charge[];
  readonly attempts: readonly AttemptRecord[];
  readonly request: RequestRecord;
  /** Ends the call's idempotency key in the same transaction. */
  readonly claim?: ClaimSettlement;
}

export interface VoidCommand {
  readonly holdId: string;
  readonly reason: string;
  readonly attempts: readonly AttemptRecord[];
  readonly request: RequestRecord;
  /** Ends the call's idempotency key in the same transaction. */
  readonly claim?: ClaimSettlement;
}

export interface Settled {
  readonly type: 'settled' | 'voided';
  /** True when this hold had been resolved before: nothing was booked again. */
  readonly replayed: boolean;
  /** Nano-USD beyond hold and free funds, booked as overrun. */
  readonly overrunNanoUsd: bigint;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly events: number;
  readonly buckets: number;
  readonly open_holds: number;
  readonly mismatches: readonly {
    readonly bucket: string;
    readonly field: string;
    readonly expected: string;
    readonly actual: string;
  }[];
  /** How the events compare with the hashes written beside them; what does not fit is a mismatch too. */
  readonly chain: ChainReport;
  /** Where the proof begins when older events were archived: at a checkpoint, which is taken as it stands. */
  readonly archived: ArchivedReport | null;
}

/**
 * The ledger. Every promise settles after the commit that makes its answer true; a rejected promise is a
 * `GatewayError` `metering_unavailable` and means that nothing was booked.
 */
export interface Ledger {
  reserve(command: ReserveCommand): Promise<Held | Refused>;
  /** Raises an open hold for a further candidate; a refusal leaves the hold as it was. */
  extend(command: ExtendCommand): Promise<Held | Refused>;
  settle(command: SettleCommand): Promise<Settled>;
  void(command: VoidCommand): Promise<Settled>;
  /**
   * Write-behind progress mark of a running stream; what `charge_observed` uses after a crash. `providerRequestId`: by
   * what the provider finds the call then, where it has told.
   */
  progress(holdId: string, observed: readonly Charge[], providerRequestId?: string | null): void;
  /** Every limit that binds calls of the customer under that key and token, as it stands. */
  limits(
    customerId: string,
    keyId: string | null,
    token?: TokenClaim | null,
  ): Promise<readonly LimitStatus[]>;
  verify(): Promise<VerifyReport>;
}

export type KeyType = 'customer' | 'service' | 'admin';

export interface KeyScopes {
  readonly models?: readonly string[] | undefined;
  readonly operations?: readonly string[] | undefined;
  readonly ips?: readonly string[] | undefined;
}

export interface KeyRecord {
  readonly id: string;
  readonly type: KeyType;
  readonly name: string;
  /** Lower-case hex SHA-256 of the whole key. */
  readonly hash: string;
  /** Shown in lists: first characters and last four. */
  readonly prefix: string;
  readonly last4: string;
  readonly customerId: string | null;
  readonly defaultCustomerId: string | null;
  readonly scopes: KeyScopes | null;
  /** Limits of its own, beside what its customer's plan says; absent: none. */
  readonly limits?: readonly LimitInput[] | undefined;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  /** Set where a client token that this key minted is used in its place; never stored. */
  readonly clientToken?: {
    readonly claim: TokenClaim;
    /** What the token may be used for; the key's own scopes hold besides. */
    readonly within: KeyScopes;
  };
}

export interface CustomerRecord {
  readonly id: string;
  readonly externalId: string;
  readonly name: string | null;
  readonly createdAtMs: number;
}

export interface SubscriptionRecord {
  readonly id: string;
  readonly customerId: string;
  readonly status: SubscriptionStatus;
  readonly planId: string;
  readonly planVersion: number;
  readonly cadence: 'month' | 'year';
  readonly timezone: string;
  /** Wall-clock anchor in `timezone`, `YYYY-MM-DDTHH:mm:ss`. */
  readonly anchorLocal: string;
  readonly trialEndMs: number | null;
  readonly graceUntilMs: number | null;
  readonly cancelAtMs: number | null;
  /** End of what is paid for: the period, or the year of a yearly subscription, or the trial. */
  readonly termEndMs: number;
  /** What will happen by itself, soonest first. */
  readonly scheduled: readonly ScheduledChange[];
  readonly period: { readonly id: string; readonly startMs: number; readonly endMs: number };
  readonly rev: number;
}

export interface PlanRecord {
  readonly id: string;
  readonly version: number;
  readonly plan: PlanInput;
  readonly createdAtMs: number;
}

/** Everything authentication needs, held in the gateway's memory. */
export interface DirectorySnapshot {
  readonly keys: readonly KeyRecord[];
  readonly customers: readonly CustomerRecord[];
}

export interface Page<Row> {
  readonly data: readonly Row[];
  readonly nextCursor: string | null;
}

export interface PageQuery {
  readonly limit: number;
  readonly cursor: string | null;
}

export interface NewCustomer {
  readonly externalId: string;
  readonly name: string | null;
  readonly planId: string;
  readonly trialDays: number | null;
  readonly cadence: 'month' | 'year';
  readonly timezone: string;
  /** Wall-clock anchor; null anchors at the moment of creation. */
  readonly anchorLocal: string | null;
}

export interface SubscriptionPatch {
  readonly planId?: string;
  readonly status?: SubscriptionStatus;
  readonly at: 'now' | 'period_end';
  readonly mode: 'keep_used' | 'prorate' | 'restart';
  /** A time to come; null revokes. Where it is absent, `status: 'active'` revokes too. */
  readonly cancelAtMs?: number | null;
  /** Until when a `past_due` subscription may call. */
  readonly graceUntilMs?: number | null;
  /** New end of a trial, to come. */
  readonly trialEndMs?: number;
  /** These three shape the periods that follow the running one. */
  readonly cadence?: 'month' | 'year';
  readonly timezone?: string;
  readonly anchorLocal?: string;
}

/** Plans, customers, subscriptions and keys. Mutations are serialised with the ledger's own commands. */
export interface Directory {
  snapshot(): Promise<DirectorySnapshot>;
  /** @throws GatewayError `conflict` when the id exists */
  createPlan(plan: PlanInput): Promise<PlanRecord>;
  /** In force from each subscription's next period, or at once. @throws GatewayError `not_found` */
  addPlanVersion(plan: PlanInput, apply: 'now' | 'period_end'): Promise<PlanRecord>;
  plans(): Promise<readonly PlanRecord[]>;
  /** @throws GatewayError `conflict` when `externalId` exists, `not_found` when the plan does not */
  createCustomer(
    customer: NewCustomer,
  ): Promise<{ readonly customer: CustomerRecord; readonly subscription: SubscriptionRecord }>;
  customers(page: PageQuery): Promise<Page<CustomerRecord>>;
  /** By `cus_…` or `externalId`; null when unknown. */
  customer(idOrExternalId: string): Promise<{
    readonly customer: CustomerRecord;
    readonly subscription: SubscriptionRecord;
    readonly plan: PlanRecord;
  } | null>;
  patchSubscription(customerId: string, patch: SubscriptionPatch): Promise<SubscriptionRecord>;
  createKey(key: KeyRecord): Promise<void>;
  /** @throws GatewayError `not_found` */
  revokeKey(keyId: string, atMs: number): Promise<KeyRecord>;
  keys(page: PageQuery & { readonly customerId: string | null }): Promise<Page<KeyRecord>>;
}

/** `plan` is the one that judged the call; `tag:<name>` tells apart by the value of a tag, one tag a question. */
export type UsageDimension =
  | 'provider'
  | 'model'
  | 'customer'
  | 'key'
  | 'plan'
  | 'modality'
  | 'operation'
  | `tag:${string}`;

export interface UsageQuery {
  readonly customerId: string | null;
  readonly fromMs: number;
  readonly toMs: number;
  readonly groupBy: readonly UsageDimension[];
  /** In UTC. */
  readonly bucket: 'hour' | 'day' | 'month' | null;
}

/** Meters, and by how much the customers' cost is above the providers'. */
export type UsageColumn = Meter | 'margin_usd';
export type UsageAmounts = Readonly<Partial<Record<UsageColumn, bigint>>>;

export interface UsageReport {
  /** As asked, or the start of the hour where the requests of that hour have been removed. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly totals: UsageAmounts;
  readonly held: MeterAmounts;
  readonly groups: readonly {
    readonly key: Readonly<Record<string, string>>;
    readonly totals: UsageAmounts;
  }[];
  readonly asOfMs: number;
}

export interface RequestDetail extends RequestRecord {
  readonly hold: {
    readonly id: string;
    readonly state: string;
    readonly legs: readonly { readonly limit: string; readonly amount: string }[];
    /** Price book that was in force when it was taken. */
    readonly priceBookId?: string;
  } | null;
  readonly attemptRows: readonly AttemptRecord[];
}

export interface RequestQuery extends PageQuery {
  readonly customerId: string | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** A part of the request log by its place, for callers that count rather than follow cursors. */
export interface RequestLogQuery {
  readonly customerId: string;
  /** Provider that served; null: any. */
  readonly provider: string | null;
  /** HTTP status that the caller got; null: any. */
  readonly status: number | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
  readonly limit: number;
  readonly offset: number;
}

export interface LedgerEvent {
  readonly seq: number;
  readonly eventId: string;
  readonly kind: string;
  readonly holdId: string | null;
  readonly atMs: number;
  readonly body: unknown;
}

/** Reads that may be slow: answered beside the writer, never in its way. */
export interface UsageReader {
  usage(query: UsageQuery): Promise<UsageReport>;
  requests(query: RequestQuery): Promise<Page<RequestRecord>>;
  request(requestId: string): Promise<RequestDetail | null>;
  /** Newest first, with the number of all that fit. Reads what it counts: for logs of one customer. */
  requestLog(
    query: RequestLogQuery,
  ): Promise<{ readonly data: readonly RequestRecord[]; readonly total: number }>;
  events(page: PageQuery): Promise<Page<LedgerEvent>>;
}

export interface MeteringStore {
  readonly ledger: Ledger;
  readonly wallets: Wallets;
  readonly limitBook: LimitBook;
  readonly directory: Directory;
  readonly planPreviews: PlanPreviews;
  readonly reader: UsageReader;
  readonly idempotency: IdempotencyStore;
  readonly subscriptions: Subscriptions;
  readonly alerting: Alerting;
  readonly quotes: Quotes;
  readonly prices: PriceArchive;
  readonly audit: AuditTrail;
  readonly reconciliations: Reconciliations;
  readonly ledgerOperations: LedgerOperations;
  readonly assets: AssetRecords;
  readonly voices: VoiceRecords;
  readonly unbooked: UnbookedEnds;
  readonly jobs: Jobs;
  /** One sentence for the start-up block and `doctor`, e.g. what survives a power cut. */
  readonly durability: string;
  /** Flushes and closes; later calls are rejected. */
  close(): Promise<void>;
}
