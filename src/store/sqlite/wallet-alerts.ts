/**
 * Tells of wallets that run low, in the transaction of the booking that made them so; a top-up recovers.
 *
 * What is held does not count, as with thresholds of limits. Credit that ends by the clock alone is noticed by
 * maintenance.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { IdSource } from '../../contracts/ids.ts';
import { formatUsd } from '../../contracts/money.ts';
import { CREDITS } from '../../metering/core/compiled-plan.ts';
import { isWalletBucket } from '../../metering/core/credits.ts';
import type { JournalEntry } from '../../metering/core/types.ts';
import { limitStanding } from '../../metering/limit-standing.ts';
import { AlertTables } from './alert-tables.ts';
import { statementCache } from './statement-cache.ts';
import { bigint, integer, text } from './subscriptions.ts';
import type { WalletAlertLevels } from './worker-options.ts';

interface Standing {
  readonly granted: bigint;
  readonly spent: bigint;
  readonly held: bigint;
  readonly debt: bigint;
}

/** One level of a wallet. */
interface Level {
  readonly key: string;
  readonly belowNanoUsd: bigint;
}

/** A credit that has ended with something left of it. */
export interface EndedCredit {
  readonly customerId: string;
  readonly endedAtMs: number;
  /** Number of its bucket. */
  readonly no: number;
}

/** Wallets looked at in one transaction because a credit of theirs has ended. */
const MAX_AT_ONCE = 100;

/** Customers whose wallet the entry changed by more than a hold. */
function touchedBy({ postings }: JournalEntry): readonly string[] {
  return postings
    .filter(({ bucketId }) => isWalletBucket(bucketId))
    .filter(({ dGranted, dSpent, dOverrun, dExpired }) =>
      [dGranted, dSpent, dOverrun, dExpired].some((change) => change !== 0n),
    )
    .map(({ bucketId }) => bucketId.slice(0, bucketId.indexOf('|')));
}

export class WalletAlerts {
  readonly #alerts: AlertTables;
  readonly #levels: WalletAlertLevels;
  readonly #sql: (statement: string) => StatementSync;
  /** The last credit whose end was noticed; each start goes through those that no booking has seen yet. */
  #seen: Pick<EndedCredit, 'endedAtMs' | 'no'> = { endedAtMs: 0, no: 0 };

  constructor(database: DatabaseSync, ids: IdSource, levels: WalletAlertLevels) {
    this.#alerts = new AlertTables(database, ids);
    this.#levels = levels;
    this.#sql = statementCache(database);
  }

  /** Called once the bucket rows and entries of the batch are written, with those that touch wallets. */
  note(entries: readonly JournalEntry[]): void {
    if (entries.length === 0) return;
    const touchedAtMs = new Map<string, number>();
    for (const entry of entries) {
      for (const customerId of touchedBy(entry)) touchedAtMs.set(customerId, entry.atMs);
    }
    for (const [customerId, atMs] of touchedAtMs) this.#look(customerId, atMs);
  }

  /** Credits that have ended since the last that was {@link seen}, oldest first, and that no booking has seen. */
  endedCredits(nowMs: number): readonly EndedCredit[] {
    const rows = this.#sql(
      `SELECT no, owner_id, expires_at FROM bucket
       WHERE limit_id = '${CREDITS.id}' AND window_id = '' AND expires_at IS NOT NULL
         AND (expires_at, no) > (?, ?) AND expires_at <= ? AND granted - spent - expired > 0
       ORDER BY expires_at, no LIMIT ${MAX_AT_ONCE}`,
    ).all(this.#seen.endedAtMs, this.#seen.no, nowMs);
    return rows.map((row) => ({
      customerId: text(row, 'owner_id'),
      endedAtMs: integer(row, 'expires_at'),
      no: integer(row, 'no'),
    }));
  }

  /** Looks at the wallets of these credits. */
  noteEnded(ended: readonly EndedCredit[], nowMs: number): void {
    for (const customerId of new Set(ended.map((credit) => credit.customerId))) {
      this.#look(customerId, nowMs);
    }
  }

  /** What was noticed is committed. */
  seen(ended: readonly EndedCredit[]): void {
    this.#seen = ended.at(-1) ?? this.#seen;
  }

  #look(customerId: string, atMs: number): void {
    const standing = this.#standing(customerId, atMs);
    const { granted, spent, held, debt } = standing;
    const balance = granted - spent - debt;
    const topUp = this.#lastTopUp(customerId);
    const levels = this.#levelsOf(customerId, topUp);
    for (const { key, belowNanoUsd } of levels.filter((level) => balance < level.belowNanoUsd)) {
      this.#alerts.raise({
        kind: 'wallet_low',
        severity: balance <= 0n ? 'critical' : 'warning',
        customerId,
        key,
        atMs,
        endsAtMs: null,
        data: {
          balance_usd: formatUsd(balance),
          held_usd: formatUsd(held),
          below_usd: formatUsd(belowNanoUsd),
          last_top_up_usd: topUp === null ? null : formatUsd(topUp),
        },
      });
    }
    const ended = levels.filter((level) => balance >= level.belowNanoUsd);
    if (ended.length === 0) return;
    this.#alerts.recover({
      customerId,
      keys: ended.map(({ key }) => key),
      standing: limitStanding({
        ownerId: customerId,
        limitId: CREDITS.id,
        meter: 'cost_usd',
        startMs: atMs,
        endMs: null,
        limit: granted,
        used: spent + debt,
        held,
      }),
      thresholds: [],
      atMs,
    });
  }

  #levelsOf(customerId: string, topUp: bigint | null): readonly Level[] {
    const { belowNanoUsd, belowPercentOfTopUp } = this.#levels;
    const levels: Level[] = [];
    if (belowNanoUsd !== null) levels.push({ key: `wallet:${customerId}:amount`, belowNanoUsd });
    if (belowPercentOfTopUp !== null && topUp !== null) {
      const share = (topUp * BigInt(belowPercentOfTopUp)) / 100n;
      levels.push({ key: `wallet:${customerId}:percent`, belowNanoUsd: share });
    }
    return levels;
  }

  /** Credit that serves at that moment, and what is owed. */
  #standing(customerId: string, atMs: number): Standing {
    const row =
      this.#sql(
        `SELECT coalesce(sum(iif(serves, granted - expired, 0)), 0) AS granted,
           coalesce(sum(iif(serves, spent, 0)), 0) AS spent,
           coalesce(sum(held), 0) AS held, coalesce(sum(overrun), 0) AS debt
         FROM (SELECT *, effective_at <= ?2 AND (expires_at IS NULL OR expires_at > ?2) AS serves
           FROM bucket WHERE owner_id = ?1 AND limit_id = '${CREDITS.id}' AND window_id = '')`,
      ).get(customerId, atMs) ?? {};
    return {
      granted: bigint(row, 'granted'),
      spent: bigint(row, 'spent'),
      held: bigint(row, 'held'),
      debt: bigint(row, 'debt'),
    };
  }

  #lastTopUp(customerId: string): bigint | null {
    if (this.#levels.belowPercentOfTopUp === null) return null;
    const row = this.#sql(
      `SELECT event.body ->> '$.b.amount' AS amount
       FROM bucket JOIN event ON event.event_id = 'grant:' || bucket.id
       WHERE bucket.owner_id = ? AND bucket.limit_id = '${CREDITS.id}' AND bucket.window_id = ''
         AND event.body ->> '$.b.credit' = 'top_up'
       ORDER BY event.seq DESC LIMIT 1`,
    ).get(customerId);
    return row === undefined ? null : BigInt(String(row['amount']));
  }
}
