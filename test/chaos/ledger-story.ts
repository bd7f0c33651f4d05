/**
 * The ledger as the control plane lists it, told hold by hold.
 *
 * @module
 */
import type { GatewayProcess } from './gateway-process.ts';

/** Kinds of event that end a hold. */
export const ENDINGS = ['settle', 'void', 'expire', 'reconcile'] as const;
export type Ending = (typeof ENDINGS)[number];

interface ShownEvent {
  readonly seq: number;
  readonly kind: string;
  readonly hold: string | null;
  readonly at: string;
  readonly body: {
    readonly tags?: Readonly<Record<string, string>> | null;
    readonly request?: string;
    readonly quote?: readonly [quoteId: string, operationId: string, uses: number];
    readonly postings: readonly {
      readonly bucket: string;
      readonly spent: string;
      readonly overrun: string;
    }[];
    readonly attempts?: readonly BookedAttempt[];
  };
}

/** An attempt as it stands in the event that ended its hold. */
export interface BookedAttempt {
  readonly provider: string;
  readonly modelRequested: string;
  readonly providerRequestId: string | null;
  readonly outcome: string;
  readonly billable: 'yes' | 'no' | 'unknown';
  readonly usage: Readonly<Record<string, number>>;
  readonly estimated: boolean;
  readonly costNanoUsd: string;
}

/** Everything the ledger says of one call. */
export interface HoldStory {
  readonly holdId: string;
  /** Tag `call` of the request. */
  readonly tag: string;
  readonly requestId: string;
  /** Milliseconds since the epoch. */
  readonly heldAtMs: number;
  readonly endings: Ending[];
  wasUnknown: boolean;
  attempts: readonly BookedAttempt[];
  /** Nano-USD booked on limit `cost_usd/period` and on credits, spent and overrun, by everything after the hold. */
  costNanoUsd: bigint;
  /** The part of it that credits bore. */
  creditNanoUsd: bigint;
  /** True for what a quote holds until a call draws on it: no call's own hold. */
  readonly isLeg: boolean;
  adjustments: number;
}

const PLAN_BUCKET = /\|cost_usd\/period\|/;
const CREDIT_BUCKET = /\|wallet\|/;

function bookedOn(buckets: RegExp, event: ShownEvent): bigint {
  let sum = 0n;
  for (const posting of event.body.postings) {
    if (buckets.test(posting.bucket)) sum += BigInt(posting.spent) + BigInt(posting.overrun);
  }
  return sum;
}

function follow(stories: Map<string, HoldStory>, event: ShownEvent): void {
  if (event.hold === null) return;
  if (event.kind === 'hold') {
    stories.set(event.hold, {
      holdId: event.hold,
      tag: event.body.tags?.['call'] ?? '',
      requestId: event.body.request ?? '',
      heldAtMs: Date.parse(event.at),
      endings: [],
      wasUnknown: false,
      attempts: [],
      costNanoUsd: 0n,
      creditNanoUsd: 0n,
      isLeg: (event.body.quote?.[2] ?? 0) > 0,
      adjustments: 0,
    });
    return;
  }
  const story = stories.get(event.hold);
  if (story === undefined) throw new Error(`event ${event.seq} has no hold before it`);
  const ending = ENDINGS.find((kind) => kind === event.kind);
  if (ending !== undefined) story.endings.push(ending);
  if (event.kind === 'unknown') story.wasUnknown = true;
  if (event.kind === 'adjust') story.adjustments += 1;
  if (event.body.attempts !== undefined) story.attempts = event.body.attempts;
  const onCredits = bookedOn(CREDIT_BUCKET, event);
  story.creditNanoUsd += onCredits;
  story.costNanoUsd += onCredits + bookedOn(PLAN_BUCKET, event);
}

/** Reads every event over HTTP. */
export async function readStories(gateway: GatewayProcess): Promise<readonly HoldStory[]> {
  const stories = new Map<string, HoldStory>();
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { readonly data: readonly ShownEvent[]; readonly next_cursor: string | null } =
      await gateway.admin(`GET /ledger/events?limit=200${query}`);
    for (const event of page.data) follow(stories, event);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return [...stories.values()];
}
