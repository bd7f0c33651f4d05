/**
 * Changes to customers' credits, as the gateway's end asks for them.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { creditBucketId } from '../../metering/core/credits.ts';
import type { JournalEntry } from '../../metering/core/types.ts';
import type { CreditTerms, NewCredit } from '../../metering/wallet-port.ts';
import type { BatchUnit } from './batch-unit.ts';
import { readBucket } from './journal-tables.ts';
import { memberText, readTerms } from './wallet-rows.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

interface Granted {
  /** What was asked for, word by word. */
  readonly asked: string;
  readonly terms: CreditTerms;
}

/** What makes two askings one. */
function askedText(credit: NewCredit): string {
  const { kind, amountNanoUsd, reason, priority, effectiveAtMs, expiresAtMs } = credit;
  return JSON.stringify([
    kind,
    String(amountNanoUsd),
    reason,
    priority,
    effectiveAtMs,
    expiresAtMs,
  ]);
}

/** Finds the grant of a reference: in the batch under way, else in the journal. */
function grantFinder(
  database: DatabaseSync,
): (bucketId: string, unit: BatchUnit) => Granted | null {
  const stored = database.prepare(
    `SELECT event.body, event.at, bucket.priority, bucket.effective_at, bucket.expires_at
     FROM event JOIN bucket ON bucket.id = ?1 WHERE event.event_id = 'grant:' || ?1`,
  );
  return (bucketId, unit) => {
    const fresh = unit.writes.entries.find(({ entry }) => entry.eventId === `grant:${bucketId}`);
    const bucket = fresh?.entry.newBuckets[0];
    if (fresh !== undefined && bucket !== undefined) {
      const { body, atMs } = fresh.entry;
      return {
        asked: memberText(body, 'asked'),
        terms: readTerms(body, { ...bucket, grantedAtMs: atMs }),
      };
    }
    const row = stored.get(bucketId);
    if (row === undefined) return null;
    const { b } = JSON.parse(String(row['body'])) as { b: JournalEntry['body'] };
    return {
      asked: memberText(b, 'asked'),
      terms: readTerms(b, {
        priority: Number(row['priority']),
        effectiveAtMs: Number(row['effective_at']),
        expiresAtMs: row['expires_at'] === null ? null : Number(row['expires_at']),
        grantedAtMs: Number(row['at']),
      }),
    };
  };
}

function mismatch(reference: string): GatewayError {
  return new GatewayError('idempotency_mismatch', {
    message: `The reference "${reference}" names another grant of this customer; give this one a reference of its own.`,
    param: 'reference',
  });
}

export function walletOperations({
  database,
  engine,
  accounts,
  ids,
}: Pick<OperationParts, 'database' | 'engine' | 'accounts' | 'ids'>): OperationTable {
  const findGrant = grantFinder(database);
  const bucketRow = database.prepare('SELECT * FROM bucket WHERE id = ?');

  function grant(credit: NewCredit, unit: BatchUnit): CreditTerms {
    const { customerId } = credit;
    accounts.ensure(customerId, unit);
    const reference = credit.reference ?? ids.next('evt');
    const known = findGrant(creditBucketId(customerId, reference), unit);
    const asked = askedText(credit);
    if (known !== null && known.asked !== asked) throw mismatch(reference);
    if (known !== null) return known.terms;
    const { nowMs } = unit;
    const terms: CreditTerms = {
      reference,
      kind: credit.kind,
      amountNanoUsd: credit.amountNanoUsd,
      reason: credit.reason,
      priority: credit.priority,
      effectiveAtMs: credit.effectiveAtMs ?? nowMs,
      expiresAtMs: credit.expiresAtMs,
      grantedAtMs: nowMs,
    };
    unit.keep(engine.grantCredit({ customerId, ...terms, asked }, nowMs));
    return terms;
  }

  function withdraw(customerId: string, reference: string, unit: BatchUnit): bigint {
    accounts.ensure(customerId, unit);
    const bucketId = creditBucketId(customerId, reference);
    if (engine.bucket(bucketId) === null) {
      const row = bucketRow.get(bucketId);
      if (row !== undefined) engine.loadBucket(readBucket(row));
    }
    const applied = engine.withdrawCredit({ customerId, reference }, unit.nowMs);
    unit.keep(applied);
    return applied.result;
  }

  return {
    grantCredit: { writes: true, run: ([credit], unit) => grant(credit as NewCredit, unit) },
    withdrawCredit: {
      writes: true,
      run: ([customerId, reference], unit) =>
        withdraw(customerId as string, reference as string, unit),
    },
    tidyCredits: {
      writes: true,
      run([customerId], unit) {
        accounts.ensure(customerId as string, unit);
        unit.keep(engine.tidyCredits(customerId as string, unit.nowMs));
        return null;
      },
    },
  };
}
