/**
 * What the writer does by itself now and then: expire holds that were never dispatched, end unknown ones
 * after their grace, write progress marks, notice credit that has ended, drop what memory no longer needs.
 *
 * @module
 */
import type { MeteringEngine } from '../../metering/core/engine.ts';
import type { HoldImage, UnknownPolicy } from '../../metering/core/types.ts';
import type { Accounts } from './accounts.ts';
import { endedRecord } from './ended-record.ts';
import type { EstimatedHolds } from './estimated-holds.ts';
import { identityOf } from './hold-history.ts';
import type { ArchiveDrop } from './archive-operations.ts';
import type { RequestRetention } from './request-retention.ts';
import { encodeRequest } from './row-codec.ts';
import type { WalletAlerts } from './wallet-alerts.ts';
import type { Writer } from './writer.ts';

export interface MaintenanceOptions {
  /** How long an unknown hold waits for its settlement. */
  readonly graceMs: number;
  readonly policy: UnknownPolicy;
}

const IDLE_MS = 3_600_000;
const SWEEP_EVERY_MS = 60_000;
/** Bounds one transaction. */
const MAX_AT_ONCE = 500;
/** Fewer, since a kept reply may have a megabyte; more a day than anyone sends. */
const MAX_KEYS_AT_ONCE = 100;

export class Maintenance {
  readonly #writer: Writer;
  readonly #engine: MeteringEngine;
  readonly #accounts: Accounts;
  readonly #options: MaintenanceOptions;
  readonly #unknownSince: Map<string, number>;
  readonly #retention: RequestRetention;
  readonly #archive: ArchiveDrop;
  readonly #estimated: EstimatedHolds;
  readonly #wallets: WalletAlerts | null;
  #sweptAtMs = 0;

  constructor(
    parts: {
      readonly writer: Writer;
      readonly engine: MeteringEngine;
      readonly accounts: Accounts;
      readonly retention: RequestRetention;
      readonly archive: ArchiveDrop;
      readonly estimated: EstimatedHolds;
      readonly wallets: WalletAlerts | null;
    },
    options: MaintenanceOptions,
  ) {
    this.#writer = parts.writer;
    this.#engine = parts.engine;
    this.#accounts = parts.accounts;
    this.#unknownSince = parts.writer.unknownSince;
    this.#retention = parts.retention;
    this.#archive = parts.archive;
    this.#estimated = parts.estimated;
    this.#wallets = parts.wallets;
    this.#options = options;
  }

  /** One round. Throws what the database throws; the next round tries again. */
  run(nowMs: number): void {
    this.#writer.reopen();
    if (this.#writer.closed) return;
    const due = this.#engine.dueHolds(nowMs).slice(0, MAX_AT_ONCE);
    if (due.length > 0) {
      this.#writer.transact(nowMs, (unit) => {
        for (const holdId of due) unit.keep(this.#engine.expire(holdId, nowMs));
      });
    }
    this.#reconcile(nowMs);
    if (this.#writer.progress.hasPending) {
      this.#writer.transact(nowMs, () => {
        this.#writer.progress.flush();
      });
    }
    if (this.#writer.idempotency.hasExpired(nowMs)) {
      this.#writer.transact(nowMs, () => {
        this.#writer.idempotency.dropExpired(nowMs, MAX_KEYS_AT_ONCE);
      });
    }
    // One of them a round: each may hold the writer for a while.
    if (this.#archive.isDue()) this.#dropArchived(nowMs);
    else this.#sumUpDays(nowMs);
    this.#removeOldRequests(nowMs);
    this.#noticeEndedCredits(nowMs);
    if (nowMs - this.#sweptAtMs >= SWEEP_EVERY_MS) this.#sweep(nowMs);
  }

  #sumUpDays(nowMs: number): void {
    const { days } = this.#writer.usage;
    if (!days.isDue(nowMs)) return;
    this.#writer.transact(nowMs, () => {
      days.step(nowMs);
    });
  }

  #removeOldRequests(nowMs: number): void {
    if (!this.#retention.isDue(nowMs)) return;
    const isDone = this.#writer.transact(nowMs, () => this.#retention.step(nowMs));
    if (isDone) this.#retention.done(nowMs);
  }

  #noticeEndedCredits(nowMs: number): void {
    const wallets = this.#wallets;
    const ended = wallets?.endedCredits(nowMs) ?? [];
    if (wallets === null || ended.length === 0) return;
    this.#writer.transact(nowMs, () => {
      wallets.noteEnded(ended, nowMs);
    });
    wallets.seen(ended);
  }

  #dropArchived(nowMs: number): void {
    const isDone = this.#writer.transact(nowMs, () => this.#archive.step());
    if (isDone) this.#archive.done();
  }

  #reconcile(nowMs: number): void {
    const ripe: HoldImage[] = [];
    for (const [holdId, sinceMs] of this.#unknownSince) {
      const hold = this.#engine.hold(holdId);
      if (hold === null || hold.state !== 'unknown') this.#unknownSince.delete(holdId);
      else if (sinceMs + this.#options.graceMs <= nowMs && ripe.length < MAX_AT_ONCE)
        ripe.push(hold);
    }
    if (ripe.length === 0) return;
    const { policy } = this.#options;
    this.#writer.transact(nowMs, (unit) => {
      for (const hold of ripe) {
        const { holdId } = hold;
        this.#accounts.ensure(hold.customerId, unit);
        const observed = this.#writer.progress.read(holdId);
        const applied = this.#engine.reconcileUnknown({ holdId, policy, observed }, nowMs);
        unit.keep(applied);
        this.#estimated.note(holdId, this.#writer.progress.providerRequestId(holdId), nowMs);
        unit.writes.requests.push({
          identity: identityOf(hold),
          holdId,
          startedAtMs: hold.createdAtMs,
          requestText: encodeRequest(
            endedRecord(hold, { charges: applied.result.charges, isEstimated: true, nowMs }),
          ),
          charges: applied.result.charges,
        });
      }
    });
    for (const { holdId } of ripe) this.#unknownSince.delete(holdId);
  }

  #sweep(nowMs: number): void {
    this.#sweptAtMs = nowMs;
    this.#accounts.forget(this.#engine.sweep(nowMs - IDLE_MS, nowMs));
    this.#writer.journal.prune((bucketId) => this.#engine.bucket(bucketId) !== null);
  }
}
