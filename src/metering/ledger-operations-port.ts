/**
 * What operators and auditors do with the ledger beside reading it.
 *
 * @module
 */

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

/** Answered beside the writer, never in its way, unless stated otherwise. */
export interface LedgerOperations {
  /** Where an export begins and ends. @throws GatewayError `invalid_request` for events that were archived */
  exportRange(query: LedgerExportQuery): Promise<LedgerExportRange>;
  /** Reads on from an event that begins a transaction. */
  exportPage(range: {
    readonly fromSeq: number;
    readonly toSeq: number;
    readonly previousHash: string;
  }): Promise<LedgerExportPage>;
}
