/**
 * Credits as the journal and the bucket rows tell them.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { CREDITS } from '../../metering/core/compiled-plan.ts';
import { creditReference, isWalletBucket } from '../../metering/core/credits.ts';
import type { JournalEntry, Posting } from '../../metering/core/types.ts';
import { CREDIT_KINDS } from '../../metering/core/wallet.ts';
import type { Page, PageQuery } from '../../metering/ports.ts';
import type { Credit, CreditTerms, Wallet, WalletEntry } from '../../metering/wallet-port.ts';
import { EventReader, readBucket } from './journal-tables.ts';
import { integer, type SqlRow, text } from './subscriptions.ts';

const MAX_PAGE = 1000;

/** A member of an entry's body as text; empty where it is none. */
export function memberText(body: JournalEntry['body'], name: string): string {
  const member = body[name];
  return typeof member === 'string' ? member : '';
}

/** Reads what the grant's entry says. */
export function readTerms(
  body: JournalEntry['body'],
  bucket: Pick<CreditTerms, 'priority' | 'effectiveAtMs' | 'expiresAtMs' | 'grantedAtMs'>,
): CreditTerms {
  const { priority, effectiveAtMs, expiresAtMs, grantedAtMs } = bucket;
  const reason = body['reason'];
  return {
    reference: memberText(body, 'reference'),
    kind: CREDIT_KINDS.find((kind) => kind === body['credit']) ?? 'adjustment',
    amountNanoUsd: BigInt(memberText(body, 'amount')),
    reason: typeof reason === 'string' ? reason : null,
    priority,
    effectiveAtMs,
    expiresAtMs,
    grantedAtMs,
  };
}

function readCredit(row: SqlRow): Credit {
  const bucket = readBucket(row);
  const { b } = JSON.parse(text(row, 'grant_body')) as { b: JournalEntry['body'] };
  const terms = readTerms(b, { ...bucket, grantedAtMs: integer(row, 'granted_at') });
  const { granted, held, spent, expired } = bucket;
  return {
    ...terms,
    reference: creditReference(bucket.sourceKey) ?? terms.reference,
    remainingNanoUsd: granted - held - spent - expired,
    heldNanoUsd: held,
    spentNanoUsd: spent,
    expiredNanoUsd: expired,
  };
}

function inDrawingOrder(one: Credit, other: Credit): number {
  return (
    one.priority - other.priority ||
    (one.expiresAtMs ?? Number.MAX_SAFE_INTEGER) - (other.expiresAtMs ?? Number.MAX_SAFE_INTEGER) ||
    one.effectiveAtMs - other.effectiveAtMs
  );
}

/** What credits changed by: sums over the entry's postings on them. */
function readEntry(reader: EventReader, row: SqlRow): WalletEntry {
  const { seq, entry } = reader.read(row);
  const postings = entry.postings.filter((posting) => isWalletBucket(posting.bucketId));
  const sum = (part: (posting: Posting) => bigint): bigint =>
    postings.reduce((total, posting) => total + part(posting), 0n);
  return {
    seq,
    eventId: entry.eventId,
    kind: entry.kind,
    holdId: entry.holdId,
    atMs: entry.atMs,
    grantedNanoUsd: sum((posting) => posting.dGranted),
    spentNanoUsd: sum((posting) => posting.dSpent),
    debtNanoUsd: sum((posting) => posting.dOverrun),
    expiredNanoUsd: sum((posting) => posting.dExpired),
  };
}

/** Reads wallets on a connection of the reader thread. */
export function walletReader(database: DatabaseSync): {
  wallet(customerId: string, nowMs: number): Wallet;
  entries(customerId: string, page: PageQuery): Page<WalletEntry>;
} {
  const grants = database.prepare(
    `SELECT bucket.*, event.body AS grant_body, event.at AS granted_at
     FROM bucket JOIN event ON event.event_id = 'grant:' || bucket.id
     WHERE bucket.owner_id = ? AND bucket.limit_id = '${CREDITS.id}' AND bucket.window_id = ''
       AND bucket.source_key LIKE 'credit/%'
       AND (bucket.held > 0 OR bucket.granted > bucket.spent + bucket.expired)`,
  );
  const debt = database.prepare(
    `SELECT overrun FROM bucket
     WHERE owner_id = ? AND limit_id = '${CREDITS.id}' AND window_id = '' AND source_key = '${CREDITS.planSource}'`,
  );
  const history = database.prepare(
    `SELECT event.* FROM wallet_entry JOIN event ON event.seq = wallet_entry.seq
     WHERE wallet_entry.customer_id = ? AND wallet_entry.seq < ? ORDER BY wallet_entry.seq DESC LIMIT ?`,
  );
  const events = new EventReader(database);
  return {
    wallet(customerId, nowMs) {
      const found = grants.all(customerId).map(readCredit).toSorted(inDrawingOrder);
      const debtNanoUsd = BigInt(String(debt.get(customerId)?.['overrun'] ?? 0));
      const free = found
        .filter(({ effectiveAtMs, expiresAtMs }) => {
          return effectiveAtMs <= nowMs && (expiresAtMs === null || nowMs < expiresAtMs);
        })
        .reduce((sum, { remainingNanoUsd }) => sum + remainingNanoUsd, 0n);
      return {
        balanceNanoUsd: free - debtNanoUsd,
        heldNanoUsd: found.reduce((sum, { heldNanoUsd }) => sum + heldNanoUsd, 0n),
        debtNanoUsd,
        grants: found,
      };
    },
    entries(customerId, { limit, cursor }) {
      const size = Math.max(1, Math.min(MAX_PAGE, limit));
      const before = cursor === null ? Number.MAX_SAFE_INTEGER : Number(cursor);
      const rows = /^\d{1,16}$/.test(String(before))
        ? history.all(customerId, before, size + 1)
        : [];
      const data = rows.slice(0, size).map((row) => readEntry(events, row));
      const last = data.at(-1);
      return {
        data,
        nextCursor: rows.length > size && last !== undefined ? String(last.seq) : null,
      };
    },
  };
}
