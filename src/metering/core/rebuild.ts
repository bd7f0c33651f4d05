/**
 * The journal read back: counters and open holds as its entries make them, and how they compare with what is kept.
 *
 * @module
 */
import type { VerifyReport } from '../ports.ts';
import { readExtension, readHold } from './hold-bodies.ts';
import { unpackAmount } from './meter-amounts.ts';
import type {
  BookedLeg,
  BucketImage,
  HoldImage,
  JournalEntry,
  Posting,
  ResolvedImage,
} from './types.ts';

/** What folding finds out; whether the entries are the ones that were written is the store's matter. */
export type FoldReport = Omit<VerifyReport, 'chain' | 'archived'>;
type Mismatch = VerifyReport['mismatches'][number];

const COUNTERS = ['granted', 'held', 'spent', 'overrun', 'expired', 'leased'] as const;
type CounterName = (typeof COUNTERS)[number];

function deltaOf(posting: Posting, counter: CounterName): bigint {
  switch (counter) {
    case 'granted':
      return posting.dGranted;
    case 'held':
      return posting.dHeld;
    case 'spent':
      return posting.dSpent;
    case 'overrun':
      return posting.dOverrun;
    case 'expired':
      return posting.dExpired;
    case 'leased':
      return posting.dLeased;
    default:
      return counter satisfies never;
  }
}

function posted(bucket: BucketImage, posting: Posting): BucketImage {
  return {
    ...bucket,
    granted: bucket.granted + posting.dGranted,
    held: bucket.held + posting.dHeld,
    spent: bucket.spent + posting.dSpent,
    overrun: bucket.overrun + posting.dOverrun,
    expired: bucket.expired + posting.dExpired,
    leased: bucket.leased + posting.dLeased,
  };
}

/** Folds journal entries, oldest first, one at a time. */
export class JournalFold {
  readonly buckets = new Map<string, BucketImage>();
  readonly openHolds = new Map<string, HoldImage>();
  readonly #mismatches: Mismatch[] = [];
  #events = 0;

  /** Takes buckets and open holds as they stand after everything before the first entry: a checkpoint. */
  start(buckets: Iterable<BucketImage>, holds: Iterable<HoldImage>): void {
    for (const bucket of buckets) this.buckets.set(bucket.id, bucket);
    for (const hold of holds) this.openHolds.set(hold.holdId, hold);
  }

  add(entry: JournalEntry): void {
    this.#events += 1;
    for (const bucket of entry.newBuckets) this.buckets.set(bucket.id, bucket);
    for (const posting of entry.postings) this.#post(posting);
    this.follow(entry);
  }

  /** Follows what an entry makes of a hold, balances apart. */
  follow(entry: JournalEntry): void {
    const { holdId } = entry;
    if (holdId === null) return;
    const next = holdAfter(this.openHolds.get(holdId) ?? null, entry);
    if (next === null) this.openHolds.delete(holdId);
    else this.openHolds.set(holdId, next);
  }

  #post(posting: Posting): void {
    const bucket = this.buckets.get(posting.bucketId);
    if (bucket !== undefined) {
      this.buckets.set(bucket.id, posted(bucket, posting));
      return;
    }
    for (const field of COUNTERS) {
      const amount = deltaOf(posting, field);
      if (amount === 0n) continue;
      this.#miss(posting.bucketId, field, { expected: 'a bucket', actual: `posting ${amount}` });
    }
  }

  #miss(
    bucket: string,
    field: string,
    values: { readonly expected: string; readonly actual: string },
  ): void {
    this.#mismatches.push({ bucket, field, ...values });
  }

  /** Compares with the kept counters and open holds; every bucket must also hold just what its open holds reserve. */
  compare(buckets: Iterable<BucketImage>, holds: Iterable<HoldImage>): FoldReport {
    const mismatches = [...this.#mismatches];
    const seen = new Set<string>();
    for (const actual of buckets) {
      seen.add(actual.id);
      mismatches.push(...differences(this.buckets.get(actual.id) ?? null, actual));
    }
    for (const id of this.buckets.keys()) {
      if (seen.has(id)) continue;
      mismatches.push({ bucket: id, field: 'row', expected: 'present', actual: 'missing' });
    }
    mismatches.push(...this.#compareHolds(holds), ...this.#compareLegs());
    return {
      ok: mismatches.length === 0,
      events: this.#events,
      buckets: this.buckets.size,
      open_holds: this.openHolds.size,
      mismatches,
    };
  }

  #compareHolds(holds: Iterable<HoldImage>): readonly Mismatch[] {
    const actual = new Map<string, HoldImage>();
    for (const hold of holds) actual.set(hold.holdId, hold);
    const mismatches: Mismatch[] = [];
    for (const holdId of new Set([...actual.keys(), ...this.openHolds.keys()])) {
      const expectedText = holdText(this.openHolds.get(holdId));
      const actualText = holdText(actual.get(holdId));
      if (expectedText === actualText) continue;
      mismatches.push({
        bucket: holdId,
        field: 'hold',
        expected: expectedText,
        actual: actualText,
      });
    }
    return mismatches;
  }

  #compareLegs(): readonly Mismatch[] {
    const reserved = new Map<string, bigint>();
    for (const hold of this.openHolds.values()) {
      for (const leg of hold.legs) {
        reserved.set(leg.bucketId, (reserved.get(leg.bucketId) ?? 0n) + leg.amount);
      }
    }
    const mismatches: Mismatch[] = [];
    for (const bucket of this.buckets.values()) {
      const expected = reserved.get(bucket.id) ?? 0n;
      if (expected === bucket.held) continue;
      mismatches.push({
        bucket: bucket.id,
        field: 'held',
        expected: `${expected} in open holds`,
        actual: bucket.held.toString(),
      });
    }
    return mismatches;
  }
}

function differences(expected: BucketImage | null, actual: BucketImage): readonly Mismatch[] {
  if (expected === null) {
    return [{ bucket: actual.id, field: 'row', expected: 'missing', actual: 'present' }];
  }
  return COUNTERS.filter((field) => expected[field] !== actual[field]).map((field) => ({
    bucket: actual.id,
    field,
    expected: expected[field].toString(),
    actual: actual[field].toString(),
  }));
}

function holdText(hold: HoldImage | undefined): string {
  if (hold === undefined) return 'none';
  const legs = hold.legs.map((leg) => `${leg.bucketId}=${leg.amount}`).toSorted();
  return `${hold.state} ${legs.join(' ')}`.trimEnd();
}

/** The open hold after an entry that names it; null when it is not open any more. */
function holdAfter(hold: HoldImage | null, entry: JournalEntry): HoldImage | null {
  switch (entry.kind) {
    case 'hold':
      return readHold(entry);
    case 'extend':
      return hold === null ? null : readExtension(hold, entry);
    case 'dispatch':
      return hold === null ? null : { ...hold, state: 'dispatched', expiresAtMs: null };
    case 'unknown':
      return hold === null ? null : { ...hold, state: 'unknown', expiresAtMs: null };
    case 'settle':
    case 'void':
    case 'expire':
    case 'reconcile':
      return null;
    case 'grant':
    case 'adjust':
    case 'rollover':
    case 'cover':
    case 'checkpoint':
      return hold;
    default:
      return entry.kind satisfies never;
  }
}

function bookedBy(entry: JournalEntry): readonly BookedLeg[] {
  return entry.postings
    .filter((posting) => posting.dSpent !== 0n || posting.dOverrun !== 0n)
    .map(({ bucketId, dSpent, dOverrun }) => ({ bucketId, spent: dSpent, overrun: dOverrun }));
}

function overrunIn(entry: JournalEntry): bigint {
  const overrun = entry.body['overrun'];
  return overrun === undefined ? 0n : unpackAmount(overrun);
}

/** How a hold ended, out of its own journal entries, oldest first; null while it is open or when they are not a hold's. */
export function resolvedFrom(entries: readonly JournalEntry[]): ResolvedImage | null {
  let hold: HoldImage | null = null;
  let resolved: ResolvedImage | null = null;
  for (const entry of entries) {
    const after: HoldImage | null = entry.kind === 'adjust' ? null : holdAfter(hold, entry);
    if (after !== null) {
      hold = after;
      continue;
    }
    if (hold === null) continue;
    resolved = {
      hold,
      type: 'charges' in entry.body ? 'settled' : 'voided',
      overrunNanoUsd: overrunIn(entry),
      booked: bookedBy(entry),
      final: entry.kind === 'settle' || entry.kind === 'adjust',
    };
  }
  return resolved;
}
