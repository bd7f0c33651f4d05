/**
 * The door between the gateway and metering for quotes: many operations judged together in order, held where that
 * is asked for, and drawn upon by later calls. Times are milliseconds since the epoch, money is nano-USD.
 *
 * @module
 */
import type { LimitStatus, RefusalAction } from '../contracts/limit-status.ts';
import type { LimitInput, Operation, SubscriptionStatus } from '../contracts/metering.ts';
import type {
  CandidateBound,
  Held,
  Refused,
  RefusalCode,
  ReserveCommand,
  TokenClaim,
} from './ports.ts';

/** `all` holds each operation that is allowed, `all_or_nothing` holds when all of them are. */
export type QuoteMode = 'none' | 'all' | 'all_or_nothing';

/** A smaller value of a parameter, and what one use costs at most with it. */
export interface QuoteReduction {
  /** As the quote names it, such as `image.n`. */
  readonly param: string;
  readonly value: number;
  readonly bound: CandidateBound;
}

/** One operation as it is judged. Bounds are those of one use. */
export interface QuotedOperation {
  /** The caller's name for it, unique in the quote. */
  readonly id: string;
  readonly operation: Operation;
  /** Model as the caller wrote it. */
  readonly model: string;
  /** In the order in which they are tried, at least one; every one must fit, so the dearest decides. */
  readonly candidates: readonly CandidateBound[];
  readonly pricing: ReserveCommand['pricing'];
  /** Uses, at least 1. */
  readonly count: number;
  /** Hold that its leg becomes where the quote holds. */
  readonly holdId: string;
  /** Other models, the one to be advised first in front: the first that would be admitted is. */
  readonly alternatives: readonly CandidateBound[];
  /** Smaller values, largest first by parameter: the first of a parameter that would be admitted is advised. */
  readonly reductions: readonly QuoteReduction[];
}

export interface QuoteCommand {
  /** `qt_…`, chosen by the caller: a quote that exists already is answered as it was. */
  readonly quoteId: string;
  readonly customerId: string;
  readonly keyId: string;
  readonly token?: TokenClaim | null | undefined;
  readonly tags: Readonly<Record<string, string>> | null;
  readonly mode: QuoteMode;
  /** Null: the default, at most what the plan allows. */
  readonly ttlMs: number | null;
  readonly priceBookId: string;
  readonly operations: readonly QuotedOperation[];
  /** The gateway's own account of the quote, kept with it unread. */
  readonly record: string;
}

/** One limit that binds an operation of the quote, before the quote took anything. */
export interface QuotedLimit extends LimitStatus {
  /** All operations together; the largest single use where the window is `call`, `minute` or `concurrent`. */
  readonly requested: string;
  /** What remains less what is requested; negative where it does not fit. */
  readonly after: string;
  readonly on_breach: NonNullable<LimitInput['on_breach']>;
}

/** How one operation stands after those before it. */
export interface OperationVerdict {
  readonly id: string;
  readonly allowed: boolean;
  /** Output tokens of one use of each candidate, lower than wanted where clamped; null without an elastic part. */
  readonly outputTokens: readonly (number | null)[];
  readonly softBreaches: readonly string[];
  /** Null where it is allowed. */
  readonly refusal: {
    readonly code: RefusalCode;
    readonly message: string;
    /** Ids of the violated limits. */
    readonly blockedBy: readonly string[];
    readonly actions: readonly RefusalAction[];
    /** The first of `alternatives` that would be admitted. */
    readonly alternative: string | null;
    /** The refused call's members for the compatibility routes. */
    readonly usageInfo: Readonly<Record<string, unknown>>;
  } | null;
}

/** JSON-safe. */
export interface QuoteEvaluation {
  readonly asOfMs: number;
  readonly expiresAtMs: number;
  readonly plan: { readonly id: string; readonly version: number } | null;
  readonly subscriptionStatus: SubscriptionStatus | null;
  /** In the order of the command. */
  readonly verdicts: readonly OperationVerdict[];
  readonly limits: readonly QuotedLimit[];
  /** Ids of the operations that were held. */
  readonly held: readonly string[];
}

/** - `open`: uses are left · `used` · `released`: by `DELETE` · `expired` */
export type QuoteLegState = 'open' | 'used' | 'released' | 'expired';

export interface QuoteLeg {
  readonly operationId: string;
  readonly holdId: string;
  readonly uses: number;
  readonly usesLeft: number;
  readonly state: QuoteLegState;
}

/** A quote as it stands now. */
export interface QuoteStanding {
  readonly quoteId: string;
  readonly customerId: string;
  readonly priceBookId: string;
  readonly record: string;
  /** As it was when the quote was made. */
  readonly evaluation: QuoteEvaluation;
  /** Of the held operations, in order; empty where nothing was held. */
  readonly legs: readonly QuoteLeg[];
}

/** A call that draws on a quote. */
export interface QuotedReserve extends ReserveCommand {
  readonly quoteId: string;
  /** Null: the first operation that has a use left and whose type and model match. */
  readonly operationId: string | null;
  /** Model as the caller wrote it. */
  readonly modelAsked: string;
}

/** Nothing was drawn and nothing booked. `no_match`: no held operation has the call's type and model. */
export interface NoLeg {
  readonly type: 'no_leg';
  readonly reason:
    | 'unknown_quote'
    | 'unknown_operation'
    | 'no_match'
    | 'used'
    | 'released'
    | 'expired';
}

/** How much came out of a model for what went in, in the customer's latest calls. */
export interface OutputRatio {
  /** `provider/model` as asked for. */
  readonly model: string;
  readonly samples: number;
  /** Median of output tokens per input token. */
  readonly median: number;
}

/** As `Ledger`: a promise settles after the commit that makes its answer true. */
export interface Quotes {
  /** Judges and writes nothing, whatever the mode. @throws GatewayError `invalid_request` for a lifetime beyond the plan's */
  evaluate(command: QuoteCommand): Promise<QuoteEvaluation>;
  /** Judges, holds as the mode says, and keeps the quote until it has expired. @throws as `evaluate` */
  create(command: QuoteCommand): Promise<QuoteEvaluation>;
  /** Null when there is no such quote. */
  standing(quoteId: string): Promise<QuoteStanding | null>;
  /** Frees what no call has drawn. Null when the customer has no such quote. */
  release(customerId: string, quoteId: string): Promise<QuoteStanding | null>;
  /** Turns a use of a leg into the call's hold, dispatched; what it needs beyond is reserved as usual. */
  reserve(command: QuotedReserve): Promise<Held | Refused | NoLeg>;
  /** Ratios of the models that have any; from whole answers of the customer's latest calls. */
  outputRatios(customerId: string, models: readonly string[]): Promise<readonly OutputRatio[]>;
}
