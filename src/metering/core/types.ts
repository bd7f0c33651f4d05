/**
 * What passes between the pure metering engine and its shell: images of durable rows, journal entries,
 * and the answer of every mutating operation. All amounts are whole base units of their meter as `bigint`
 * (nano-USD, milliseconds or pieces); all times are milliseconds since the epoch, UTC.
 *
 * @module
 */
import type { Meter, Operation, SubscriptionStatus } from '../../contracts/metering.ts';
import type { Charge, MeterAmounts, Settled, TokenClaim } from '../ports.ts';
import type { CompiledPlan } from './compiled-plan.ts';

/** Windows whose boxes follow the subscription's calendar; the engine itself knows the other ones. */
export const CALENDAR_WINDOWS = ['hour', 'day', 'week', 'period'] as const;

export type CalendarWindow = (typeof CALENDAR_WINDOWS)[number];

/** One box `[startMs, endMs)` of a window. */
export interface WindowBox {
  /** The period's id, or the start of any other box; unique within the window. */
  readonly id: string;
  readonly startMs: number;
  /** Null for a box that never ends. */
  readonly endMs: number | null;
}

/** Finds the box of a calendar window that contains `nowMs`. Must be pure: the engine caches a box until its end. */
export type WindowOf = (window: CalendarWindow, nowMs: number) => WindowBox;

/** A part of the current period that ran under an earlier plan and counts pro rata. */
export interface PlanPhase {
  readonly plan: CompiledPlan;
  readonly untilMs: number;
}

/**
 * What the engine needs to know of a customer. A key or client token with limits of its own, and the deployment,
 * have accounts of the same shape: `customerId` is then their id, and their limits stand in `plan`.
 */
export interface AccountInput {
  readonly customerId: string;
  /** Null where the customer has no subscription: every call is refused `subscription_inactive`. */
  readonly subscription: {
    readonly status: SubscriptionStatus;
    /** Until when `past_due` may still call. */
    readonly graceUntilMs: number | null;
    /** From when on the subscription counts as cancelled. */
    readonly cancelAtMs: number | null;
    /** End of a `trial`; from then on it may not call. Null: no end known. */
    readonly trialEndMs: number | null;
  } | null;
  readonly plan: CompiledPlan;
  readonly windowOf: WindowOf;
  /** When a `lifetime` limit's counter ends with its owner (a client token); absent: never. */
  readonly lifetimeEndMs?: number;
  /** Earlier plans of the current period, oldest first, where the change was `prorate`; else empty. */
  readonly phases: readonly PlanPhase[];
  /** From when on `hasAccount` answers false, so that the shell loads it anew (next period's plan version); null: never. */
  readonly staleAtMs: number | null;
}

/** A row of `bucket`; identity is (ownerId, limitId, windowId, sourceKey) and `id` is derived from it. */
export interface BucketImage {
  readonly id: string;
  /**
   * An account's id, by itself or followed by `#` and what has the counter within it: `<customerId>#<keyId>`,
   * `<customerId>#<tokenId>`, `<customerId>#tag:<name>=<value>`, `deployment#provider:<id>`.
   */
  readonly ownerId: string;
  readonly limitId: string;
  readonly windowId: string;
  /** `plan…` for what the plan grants, `overage…` for its overage; anything else is an extra grant. */
  readonly sourceKey: string;
  readonly meter: Meter;
  /** Lower is drawn first; then earliest expiry, then oldest. */
  readonly priority: number;
  readonly effectiveAtMs: number;
  readonly expiresAtMs: number | null;
  readonly granted: bigint;
  readonly held: bigint;
  readonly spent: bigint;
  readonly overrun: bigint;
  readonly expired: bigint;
  readonly leased: bigint;
}

/** Amount that a hold reserves in one bucket. */
export interface HoldLeg {
  readonly bucketId: string;
  readonly amount: bigint;
}

/** - `held`: reserved, not dispatched, expires · `dispatched`: a provider may be working · `unknown`: its owner died. */
export type OpenHoldState = 'held' | 'dispatched' | 'unknown';

/** The operation of a quote that a hold stands for, or that a call's hold was drawn from. */
export interface HoldQuote {
  readonly quoteId: string;
  readonly operationId: string;
  /** Uses that the hold still reserves; 0 for a call's own hold. */
  readonly uses: number;
  /** True where candidates stand under different allowances: every use gets an equal part of each and of the credits. */
  readonly evenly: boolean;
}

/** An open hold as it is stored; everything of it stands in the journal. */
export interface HoldImage {
  readonly holdId: string;
  readonly requestId: string;
  readonly customerId: string;
  readonly keyId: string;
  readonly token: TokenClaim | null;
  readonly operation: Operation;
  readonly state: OpenHoldState;
  readonly createdAtMs: number;
  /** Set for `held` only. */
  readonly expiresAtMs: number | null;
  readonly planId: string;
  readonly planVersion: number;
  readonly priceBookId: string;
  readonly fingerprint: string;
  readonly tags: Readonly<Record<string, string>> | null;
  /** Pieces of the `requests` meter that a settlement counts. */
  readonly requests: bigint;
  readonly outputTokens: number | null;
  readonly softBreaches: readonly string[];
  readonly observedFloor: MeterAmounts;
  /** The candidates that the hold covers, each with the amounts reserved for it. */
  readonly covered: readonly Charge[];
  readonly legs: readonly HoldLeg[];
  /** Extensions, and draws on a quote's leg, so far; part of the next extension's event id. */
  readonly extensions: number;
  /** Null for a hold that no quote has made. */
  readonly quote: HoldQuote | null;
}

/** How a hold ended, as replays and late settlements need it. */
export interface ResolvedImage {
  readonly hold: HoldImage;
  readonly type: Settled['type'];
  readonly overrunNanoUsd: bigint;
  /** What the settlement booked per bucket; empty after a void or an expiry. */
  readonly booked: readonly BookedLeg[];
  /** True when the booking rests on the provider's answer; a void, an expiry or an estimate may be corrected once. */
  readonly final: boolean;
}

export interface BookedLeg {
  readonly bucketId: string;
  readonly spent: bigint;
  readonly overrun: bigint;
}

export type JournalKind =
  | 'grant'
  | 'hold'
  | 'extend'
  | 'dispatch'
  | 'settle'
  | 'void'
  | 'expire'
  | 'unknown'
  | 'reconcile'
  | 'adjust'
  | 'rollover'
  | 'cover'
  | 'checkpoint';

/** Change of one bucket. Each bucket occurs once in an entry. */
export interface Posting {
  readonly bucketId: string;
  readonly dGranted: bigint;
  readonly dHeld: bigint;
  readonly dSpent: bigint;
  readonly dOverrun: bigint;
  readonly dExpired: bigint;
  readonly dLeased: bigint;
}

/** JSON as it is stored. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** One row of `event` with its postings. The event id is derived, so a replay collides instead of adding. */
export interface JournalEntry {
  /** `grant:<bucketId>`, `hold:<id>`, `extend:<id>:<n>`, `settle:<id>` … */
  readonly eventId: string;
  readonly kind: JournalKind;
  readonly holdId: string | null;
  readonly customerId: string;
  readonly atMs: number;
  /** Compact and JSON-safe; amounts as decimal strings of base units. Read it with `rebuild.ts`. */
  readonly body: { readonly [key: string]: JsonValue };
  readonly postings: readonly Posting[];
  /** Buckets born with this entry, all counters zero: their grant is one of the postings. */
  readonly newBuckets: readonly BucketImage[];
}

/** A threshold of one box of a limit that an operation passed. */
export interface ThresholdCrossing {
  readonly customerId: string;
  readonly ownerId: string;
  readonly limitId: string;
  /** The box: a period's id, the start of any other, `''` for `lifetime`. */
  readonly windowId: string;
  readonly meter: Meter;
  /** Percent, as the plan has it. */
  readonly threshold: number;
  /** Use in percent of the limit, cut to two decimals. */
  readonly percentBefore: number;
  readonly percentAfter: number;
  readonly atMs: number;
  readonly direction: 'crossed' | 'recovered';
}

/**
 * The answer of a mutating operation, already applied in memory. The shell makes `journal` durable before it
 * answers; when that fails it calls `undo()` of everything applied since, newest first.
 * A refusal and a replay have an empty journal.
 */
export interface Applied<Result> {
  readonly result: Result;
  readonly journal: readonly JournalEntry[];
  /** Thresholds of limits that the operation passed, either way; for the same transaction as the journal. */
  readonly crossings: readonly ThresholdCrossing[];
  /** Puts memory back to where it was; callable once, newest operation first. */
  undo(): void;
}

/** What becomes of a hold whose owner died in mid-call. */
export type UnknownPolicy = 'charge_observed' | 'charge_hold' | 'release';

/** A settled or released unknown hold, with what was charged (for rollups); empty after `release`. */
export interface Reconciled extends Settled {
  readonly charges: readonly Charge[];
}
