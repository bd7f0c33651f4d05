/**
 * The ledger: its events, and the proof that the counters follow from them.
 *
 * @module
 */
import { z } from 'zod';
import type { LedgerEvent } from '../../../metering/ports.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { formatTime, listSchema, pageOf, pageQuery, timeSchema } from '../shapes.ts';

const eventSchema = z
  .strictObject({
    seq: z.int(),
    id: z.string(),
    kind: z.string(),
    hold: z.string().nullable(),
    at: timeSchema,
    body: z.unknown().describe('What was booked, as the ledger keeps it.'),
  })
  .meta({ id: 'LedgerEvent' });

const verifySchema = z
  .strictObject({
    ok: z.boolean(),
    events: z.int(),
    buckets: z.int(),
    open_holds: z.int(),
    mismatches: z.array(
      z.strictObject({
        bucket: z.string(),
        field: z.string(),
        expected: z.string(),
        actual: z.string(),
      }),
    ),
    chain: z.strictObject({
      after_seq: z.int().describe('Events up to this one are not covered by hashes.'),
      last_seq: z.int(),
      links: z.int().describe('Hashes that were recomputed, one for each transaction.'),
      head: z.string().describe('Newest hash; note it elsewhere to be able to prove more later.'),
      broken: z
        .strictObject({ first_seq: z.int(), last_seq: z.int() })
        .nullable()
        .describe('The first events that are not what was written.'),
    }),
    archived: z
      .strictObject({ before_seq: z.int(), file: z.string(), sha256: z.string() })
      .nullable()
      .describe('Where the proof begins when older events were archived: at a checkpoint.'),
  })
  .meta({ id: 'VerifyReport' });

/** Whole numbers of any size as text: JSON numbers lose those above 2^53 in most readers. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toJson(inner)]));
}

function showEvent(event: LedgerEvent): z.input<typeof eventSchema> {
  return {
    seq: event.seq,
    id: event.eventId,
    kind: event.kind,
    hold: event.holdId,
    at: formatTime(event.atMs),
    body: toJson(event.body),
  };
}

/** Routes below `/ledger`. */
export const ledgerRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/ledger/events',
    operationId: 'listLedgerEvents',
    summary: 'List ledger events',
    tag: 'ledger',
    query: z.strictObject(pageQuery),
    reply: listSchema(eventSchema),
    async handle({ query }, { store }) {
      const page = await store.reader.events(pageOf(query));
      return { data: page.data.map(showEvent), next_cursor: page.nextCursor };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/ledger/verify',
    operationId: 'verifyLedger',
    summary: 'Rebuild the counters from the ledger and compare',
    description: 'Recomputes the hashes over the events too. Answers 200 also when `ok` is false.',
    tag: 'ledger',
    body: z.strictObject({}),
    bodyRequired: false,
    reply: verifySchema,
    replyExample: {
      ok: true,
      events: 3,
      buckets: 2,
      open_holds: 0,
      mismatches: [],
      chain: { after_seq: 0, last_seq: 3, links: 2, head: 'c0ffee…', broken: null },
      archived: null,
    },
    async handle(_input, { store }) {
      const report = await store.ledger.verify();
      return { ...report, mismatches: report.mismatches.map((mismatch) => ({ ...mismatch })) };
    },
  }),
];
