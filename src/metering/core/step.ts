/**
 * One mutating operation while it is being applied: it posts to buckets, remembers how to take everything back,
 * and collects the journal.
 *
 * @module
 */
import type { Bucket, Counter, Draft, Memory, OpenHold, ResolvedHold } from './state.ts';
import {
  bucketFrom,
  bucketIdOf,
  customerOfOwner,
  disturb,
  imageOfBucket,
  insertBucket,
  remember,
} from './state.ts';
import { crossingsOf, NO_CROSSINGS } from './thresholds.ts';
import type { GcraState } from './gcra.ts';
import type { Applied, BucketImage, JournalEntry, Posting } from './types.ts';

export type { Draft } from './state.ts';

type CounterField = 'granted' | 'held' | 'spent' | 'overrun' | 'expired';

/** An answer that changes nothing: a refusal, a replay. */
export function unchanged<Result>(result: Result): Applied<Result> {
  return { result, journal: [], crossings: NO_CROSSINGS, undo: () => undefined };
}

function postingOf(draft: Draft): Posting {
  return {
    bucketId: draft.bucket.id,
    dGranted: draft.granted,
    dHeld: draft.held,
    dSpent: draft.spent,
    dOverrun: draft.overrun,
    dExpired: draft.expired,
    dLeased: 0n,
  };
}

/** I1: counters are not negative and held+spent+expired+leased ≤ granted. */
function sound(bucket: Bucket): boolean {
  const { expired, leased } = bucket;
  // Each sum is an object of its own; of most buckets there is nothing to add.
  const gone = leased === 0n ? expired : expired + leased;
  return (
    bucket.held >= 0n &&
    bucket.spent >= 0n &&
    bucket.overrun >= 0n &&
    bucket.expired >= 0n &&
    bucket.held + bucket.spent + gone <= bucket.granted
  );
}

const NO_BUCKETS: readonly BucketImage[] = [];

/** A bucket to be made, and what its grant says beside the amount. */
export type NewBucket = Omit<
  BucketImage,
  'id' | 'granted' | 'held' | 'spent' | 'overrun' | 'expired' | 'leased'
> & { readonly body?: JournalEntry['body'] };

export class Step {
  readonly #memory: Memory;
  readonly #nowMs: number;
  readonly #journal: JournalEntry[] = [];
  readonly #undoLog: (() => void)[] = [];
  #drafts: Draft[] = [];
  #crossings = NO_CROSSINGS;

  constructor(memory: Memory, nowMs: number) {
    this.#memory = memory;
    this.#nowMs = nowMs;
  }

  /** Changes since the last entry. */
  get drafts(): readonly Draft[] {
    return this.#drafts;
  }

  post(bucket: Bucket, field: CounterField, amount: bigint): void {
    if (amount === 0n) return;
    const draft = this.#draftOf(bucket);
    // Each member by its name: a member named by a variable takes several times as long.
    switch (field) {
      case 'granted':
        draft.granted += amount;
        bucket.granted += amount;
        break;
      case 'held':
        draft.held += amount;
        bucket.held += amount;
        break;
      case 'spent':
        draft.spent += amount;
        bucket.spent += amount;
        break;
      case 'overrun':
        draft.overrun += amount;
        bucket.overrun += amount;
        break;
      case 'expired':
        draft.expired += amount;
        bucket.expired += amount;
        break;
      default:
        field satisfies never;
    }
  }

  /** Gives back what a leg holds; some of it was spent. */
  postLeg(bucket: Bucket, leg: { readonly held: bigint; readonly spent: bigint }): void {
    const { held, spent } = leg;
    if (held === 0n && spent === 0n) return;
    const draft = this.#draftOf(bucket);
    draft.held -= held;
    bucket.held -= held;
    draft.spent += spent;
    bucket.spent += spent;
  }

  #draftOf(bucket: Bucket): Draft {
    for (const draft of this.#drafts) if (draft.bucket === bucket) return draft;
    const draft = { bucket, granted: 0n, held: 0n, spent: 0n, overrun: 0n, expired: 0n };
    this.#drafts.push(draft);
    return draft;
  }

  /** Creates a bucket and grants it `amount` in an entry of its own, whose id keeps it from being granted twice. */
  createBucket(counter: Counter, born: NewBucket, amount: bigint): Bucket {
    const { body, ...identity } = born;
    const zero = { granted: 0n, held: 0n, spent: 0n, overrun: 0n, expired: 0n, leased: 0n };
    const bucket = bucketFrom({ id: bucketIdOf(identity), ...identity, ...zero });
    this.#journal.push({
      eventId: `grant:${bucket.id}`,
      kind: 'grant',
      holdId: null,
      customerId: customerOfOwner(bucket.ownerId),
      atMs: this.#nowMs,
      body: { amount: amount.toString(), ...body },
      postings: [postingOf({ bucket, ...zero, granted: amount })],
      newBuckets: [imageOfBucket(bucket)],
    });
    bucket.granted = amount;
    insertBucket(counter.buckets, bucket);
    this.#memory.buckets.set(bucket.id, bucket);
    this.#undoLog.push(() => {
      counter.buckets.splice(counter.buckets.indexOf(bucket), 1);
      this.#memory.buckets.delete(bucket.id);
    });
    this.#cross([{ bucket, ...zero, granted: amount }]);
    return bucket;
  }

  #cross(drafts: readonly Draft[]): void {
    const crossings = crossingsOf(this.#memory, drafts, this.#nowMs);
    if (crossings !== NO_CROSSINGS) this.#crossings = [...this.#crossings, ...crossings];
  }

  setCell(counter: Counter, cell: GcraState): void {
    const before = counter.cell;
    this.#undoLog.push(() => {
      counter.cell = before;
    });
    counter.cell = cell;
  }

  /** Sets what the hold uses of a `concurrent` limit; 0 frees it. */
  setSlot(counter: Counter, holdId: string, amount: bigint): void {
    const before = counter.slots.get(holdId) ?? 0n;
    const set = (to: bigint, from: bigint): void => {
      counter.inUse += to - from;
      if (to === 0n) counter.slots.delete(holdId);
      else counter.slots.set(holdId, to);
    };
    this.#undoLog.push(() => set(before, amount));
    set(amount, before);
  }

  /** Adds or replaces an open hold. */
  putHold(hold: OpenHold): void {
    const { holds } = this.#memory;
    const before = holds.set(hold.holdId, hold);
    if (before !== undefined) {
      this.#undoLog.push(() => holds.set(hold.holdId, before));
      return;
    }
    this.#countHold(hold, 1);
    this.#undoLog.push(() => {
      holds.delete(hold.holdId);
      this.#countHold(hold, -1);
    });
  }

  #countHold(hold: OpenHold, by: number): void {
    for (const { account } of hold.rulings) account.openHolds += by;
  }

  /** Moves an open hold to the resolved ones, or replaces a resolved one. */
  resolve(resolved: ResolvedHold): void {
    const { holds, recent } = this.#memory;
    const { holdId } = resolved.hold;
    const open = holds.take(holdId);
    if (open !== undefined) this.#countHold(open, -1);
    const before = remember(this.#memory, resolved);
    this.#undoLog.push(() => {
      if (before === undefined) recent.delete(holdId);
      else recent.set(holdId, before);
      if (open === undefined) return;
      holds.set(holdId, open);
      this.#countHold(open, 1);
    });
  }

  onUndo(restore: () => void): void {
    this.#undoLog.push(restore);
  }

  /** Closes an entry over all postings since the last one. */
  enter(entry: Omit<JournalEntry, 'atMs' | 'postings' | 'newBuckets'>): void {
    const drafts = this.#drafts;
    this.#drafts = [];
    this.#undoLog.push(() => {
      takeBack(drafts);
    });
    const postings: Posting[] = [];
    let broken: Bucket | null = null;
    for (const draft of drafts) {
      postings.push(postingOf(draft));
      if (!sound(draft.bucket)) broken = draft.bucket;
    }
    // Member by member, as everything that every call makes: a copy of what an object has takes several times as long.
    this.#journal.push({
      eventId: entry.eventId,
      kind: entry.kind,
      holdId: entry.holdId,
      customerId: entry.customerId,
      atMs: this.#nowMs,
      body: entry.body,
      postings,
      newBuckets: NO_BUCKETS,
    });
    this.#cross(drafts);
    if (broken !== null) {
      this.#undo();
      throw new Error(`bucket ${broken.id} would break held+spent+expired+leased <= granted`);
    }
  }

  finish<Result>(result: Result): Applied<Result> {
    const journal = this.#journal;
    return { result, journal, crossings: this.#crossings, undo: () => this.#undo() };
  }

  #undo(): void {
    for (let index = this.#undoLog.length - 1; index >= 0; index -= 1) this.#undoLog[index]?.();
    this.#undoLog.length = 0;
  }
}

function takeBack(drafts: readonly Draft[]): void {
  for (const { bucket, ...draft } of drafts) {
    bucket.granted -= draft.granted;
    bucket.held -= draft.held;
    bucket.spent -= draft.spent;
    bucket.overrun -= draft.overrun;
    bucket.expired -= draft.expired;
    disturb(bucket);
  }
}
