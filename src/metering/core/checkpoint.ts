/**
 * Checkpoints: what folding everything before one point of the journal yields, as entries of the journal.
 *
 * @module
 */
import { packCharges, readHold } from './hold-bodies.ts';
import { packAmount, packAmounts } from './meter-amounts.ts';
import type { HoldImage, JournalEntry, JsonValue, OpenHoldState } from './types.ts';

/** A bucket by its number, with its six counters in the order of a posting. */
export type BucketCounters = readonly [no: number, ...counters: readonly string[]];

/** Everything before event `beforeSeq`, folded. */
export interface Checkpoint {
  readonly beforeSeq: number;
  /** Hash of the chain right before it. */
  readonly hash: string;
  /** Where those events stand now, and the SHA-256 of that file. */
  readonly file: string;
  readonly sha256: string;
  readonly counters: readonly BucketCounters[];
  /** Holds that were open then. */
  readonly holds: readonly HoldImage[];
}

/** Bounds one entry. */
const BUCKETS_OF_A_PART = 2_000;
const HOLDS_OF_A_PART = 500;

function packHold(hold: HoldImage): JsonValue {
  const { token, quote } = hold;
  return [
    hold.holdId,
    hold.customerId,
    hold.createdAtMs,
    hold.state,
    hold.extensions,
    {
      request: hold.requestId,
      key: hold.keyId,
      operation: hold.operation,
      expires_at: hold.expiresAtMs,
      plan: hold.planId,
      plan_version: hold.planVersion,
      price_book: hold.priceBookId,
      fingerprint: hold.fingerprint,
      tags: hold.tags,
      requests: packAmount(hold.requests),
      observed_floor: packAmounts(hold.observedFloor),
      output_tokens: hold.outputTokens,
      soft_breaches: hold.softBreaches,
      covered: packCharges(hold.covered),
      legs: hold.legs.map((leg) => [leg.bucketId, packAmount(leg.amount)]),
      ...(token === null
        ? {}
        : { token: [token.id, token.maxSpendNanoUsd?.toString() ?? null, token.expiresAtMs] }),
      ...(quote === null ? {} : { quote: [quote.quoteId, quote.operationId, quote.uses] }),
    },
  ];
}

type PackedHold = readonly [
  holdId: string,
  customerId: string,
  atMs: number,
  state: OpenHoldState,
  extensions: number,
  body: JournalEntry['body'],
];

function readPackedHold(packed: JsonValue): HoldImage {
  const [holdId, customerId, atMs, state, extensions, body] = packed as PackedHold;
  const hold = readHold({
    eventId: `hold:${holdId}`,
    kind: 'hold',
    holdId,
    customerId,
    atMs,
    body,
    postings: [],
    newBuckets: [],
  });
  return { ...hold, state, extensions };
}

/** What every part of a checkpoint says. */
type CheckpointHead = {
  readonly before: number;
  readonly hash: string;
  readonly file: string;
  readonly sha256: string;
};

function partsOf<Row>(rows: readonly Row[], size: number): readonly (readonly Row[])[] {
  const parts: Row[][] = [];
  for (let at = 0; at < rows.length; at += size) parts.push(rows.slice(at, at + size));
  return parts;
}

/** The entries that carry a checkpoint; they move nothing. */
export function checkpointEntries(checkpoint: Checkpoint, atMs: number): readonly JournalEntry[] {
  const { beforeSeq, hash, file, sha256 } = checkpoint;
  const counters = partsOf(checkpoint.counters, BUCKETS_OF_A_PART);
  const holds = partsOf(checkpoint.holds, HOLDS_OF_A_PART);
  const parts = Math.max(1, counters.length, holds.length);
  return Array.from({ length: parts }, (_, part): JournalEntry => ({
    eventId: `checkpoint:${beforeSeq}:${part}`,
    kind: 'checkpoint',
    holdId: null,
    customerId: '',
    atMs,
    body: {
      before: beforeSeq,
      hash,
      file,
      sha256,
      part,
      parts,
      counters: counters[part] ?? [],
      holds: (holds[part] ?? []).map(packHold),
    },
    postings: [],
    newBuckets: [],
  }));
}

/** Reads what {@link checkpointEntries} made. @throws Error when a part is missing */
export function readCheckpoint(entries: readonly JournalEntry[]): Checkpoint {
  const [first] = entries;
  if (first === undefined || first.body['parts'] !== entries.length) {
    throw new Error('the checkpoint is not whole');
  }
  const { before, hash, file, sha256 } = first.body as CheckpointHead;
  return {
    beforeSeq: before,
    hash,
    file,
    sha256,
    counters: entries.flatMap(({ body }) => body['counters'] as BucketCounters[]),
    holds: entries.flatMap(({ body }) =>
      (body['holds'] as readonly JsonValue[]).map(readPackedHold),
    ),
  };
}
