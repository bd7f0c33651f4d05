/**
 * Who changed what: every change that the control plane makes leaves one row, in the transaction of the change itself.
 *
 * @module
 */
import type { Page, PageQuery } from './ports.ts';

/** A change as it is asked for. Holds no secrets: who makes it takes them out. */
export interface AuditedChange {
  /** Id of the admin key. */
  readonly keyId: string;
  /** `req_…`: one request leaves one row. */
  readonly requestId: string;
  /** Id of the route's operation, such as `createPlan`. */
  readonly action: string;
  /** Path of the request. */
  readonly target: string;
  /** What was sent, as JSON text. */
  readonly body: string;
}

export interface AuditRecord extends AuditedChange {
  readonly seq: number;
  readonly atMs: number;
}

export interface AuditQuery extends PageQuery {
  readonly keyId: string | null;
  readonly action: string | null;
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

export interface AuditTrail {
  /** Runs a request of the control plane; what it writes to the store meanwhile is its change. */
  within<Result>(change: AuditedChange, run: () => Promise<Result>): Promise<Result>;
  /** Leaves the row of the change under way also where it changes nothing in the store: a message sent, a copy made. */
  mark(): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<Page<AuditRecord>>;
}
