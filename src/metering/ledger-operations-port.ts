/**
 * What operators and auditors do with the ledger beside reading it.
 *
 * @module
 */
import type { Operation } from '../contracts/metering.ts';
import type { OpenHoldState, UnknownPolicy } from './core/types.ts';
import type { Charge, MeterAmounts, Settled } from './ports.ts';

/** How the events compare with the hashes that were written beside them. */
export interface ChainReport {
  /** Events up to this one are not covered: older than the chain, or archived. */
  readonly after_seq: number;
  readonly last_seq: number;
  /** Hashes that were recomputed, one for each transaction. */
  readonly links: number;
  /** The newest hash: whoever noted it can tell later that nothing before it was changed. */
  readonly head: string;
  /** The first events that are not what was written; null when all are. */
  readonly broken: { readonly first_seq: number; readonly last_seq: number } | null;
}

/** What was archived last. */
export interface ArchivedReport {
  /** The first event that is not archived. */
  readonly before_seq: number;
  /** Below the data folder. */
  readonly file: string;
  readonly sha256: string;
}

/** What held an archive back from taking more. */
export type ArchiveBound = 'date' | 'age' | 'open_period' | 'open_hold';

/** Events that can go, from `fromSeq` up to `beforeSeq`, exclusive. */
export interface ArchivePlan {
  readonly fromSeq: number;
  readonly beforeSeq: number;
  readonly events: number;
  readonly boundBy: ArchiveBound;
}

export interface ArchiveReport extends ArchivePlan {
  /** Null after a dry run, and where there was nothing to archive. */
  readonly written: { readonly file: string; readonly sha256: string } | null;
}

export interface LedgerExportQuery {
  /** Number of the first event that is wanted. An export begins with the whole transaction that wrote it. */
  readonly fromSeq: number | null;
  /** Number of the last event that is wanted; the export ends with the whole transaction that wrote it. */
  readonly toSeq: number | null;
  /** From the first event at this time on. */
  readonly fromMs: number | null;
  /** Up to the last event before this time. */
  readonly toMs: number | null;
}

/** The events that an export will have, and the hash that it begins with. */
export interface LedgerExportRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly previousHash: string;
}

export interface LedgerExportPage {
  /** Whole lines, each with its line feed. */
  readonly text: string;
  /** The first event of the next page; null after the last. */
  readonly nextSeq: number | null;
  /** Hash after the last event of the page. */
  readonly head: string;
}

/** A copy of the ledger that was verified after it was written. */
export interface BackupReport {
  readonly file: string;
  readonly bytes: number;
  readonly events: number;
  readonly openHolds: number;
  /** Newest hash of its chain. */
  readonly head: string;
}

/** A hold that no event has ended. */
export interface OpenHoldView {
  readonly holdId: string;
  readonly state: OpenHoldState;
  readonly customerId: string;
  readonly keyId: string;
  readonly requestId: string;
  readonly operation: Operation;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  /** Null for one that is not unknown. */
  readonly unknownSinceMs: number | null;
  /** Worst case of cost that it covers, in nano-USD. */
  readonly costNanoUsd: bigint;
  /** `provider/model` of every candidate that it covers, in the order in which they were added. */
  readonly models: readonly string[];
  /** The provider's id of the call, where a mark of its stream has noted it. */
  readonly providerRequestId: string | null;
  /** Plan that judged the call. */
  readonly planId: string;
  readonly tags: Readonly<Record<string, string>> | null;
}

/** A hold that the policy ended by an estimate, and that a settlement may still correct. */
export interface EstimatedHold {
  readonly hold: OpenHoldView;
  readonly estimatedAtMs: number;
}

/** How an operator ends a hold whose end nobody saw. */
export type HoldOutcome =
  | { readonly type: UnknownPolicy }
  /** What the provider is known to have billed, all of it by one model, or by several. */
  | { readonly type: 'settle'; readonly amounts: MeterAmounts }
  | { readonly type: 'settle'; readonly charges: readonly Charge[] };

export interface EndHoldCommand {
  readonly holdId: string;
  readonly outcome: HoldOutcome;
  /** Who decides, such as `operator` or `provider`; stands in the event. */
  readonly by: string;
  readonly reason: string | null;
}

/** Answered beside the writer, never in its way, unless stated otherwise. */
export interface LedgerOperations {
  /**
   * Copies the ledger into the data folder while it is served. Every booking that was answered before the call is in it.
   *
   * @throws GatewayError `metering_unavailable` while the database takes no writes
   */
  backup(): Promise<BackupReport>;
  /**
   * Moves events of closed periods into a file of the data folder. A checkpoint stands for them; they are dropped in
   * the background once it is committed. A dry run only tells what would go.
   *
   * @throws GatewayError `conflict` when the events do not verify, or another archive was written meanwhile
   */
  archive(query: { readonly beforeMs: number; readonly dryRun: boolean }): Promise<ArchiveReport>;
  /** Open holds, oldest first; by the writer. */
  openHolds(): Promise<readonly OpenHoldView[]>;
  /**
   * Ends an unknown hold; by the writer.
   *
   * @throws GatewayError `not_found` when no such hold is open, `conflict` when it is not unknown
   */
  endUnknown(command: EndHoldCommand): Promise<Settled>;
  /**
   * Marks dispatched holds whose calls nobody knows as unknown; by the writer. Those that have ended meanwhile are left
   * alone, and those of jobs that have not ended.
   *
   * @returns the ids of those that became unknown
   */
  markUnknown(holdIds: readonly string[]): Promise<readonly string[]>;
  /** Holds that the policy ended by an estimate and that were not forgotten since, oldest first. */
  estimatedHolds(): Promise<readonly EstimatedHold[]>;
  /** Their estimates stand, or were corrected; by the writer. */
  forgetEstimated(holdIds: readonly string[]): Promise<void>;
  /** Where an export begins and ends. @throws GatewayError `invalid_request` for events that were archived */
  exportRange(query: LedgerExportQuery): Promise<LedgerExportRange>;
  /** Reads on from an event that begins a transaction. */
  exportPage(range: {
    readonly fromSeq: number;
    readonly toSeq: number;
    readonly previousHash: string;
  }): Promise<LedgerExportPage>;
}
