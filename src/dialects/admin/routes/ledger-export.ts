/**
 * `GET /ledger/export`: the journal line by line, sent while it is read.
 *
 * @module
 */
import { z } from 'zod';
import { ADMIN_PREFIX, type AdminRoute, parsePart } from '../admin-route.ts';
import type { LedgerOperations } from '../../../metering/ledger-operations-port.ts';
import { type ExportRow, StreamedReply } from '../export/export-table.ts';
import { instantSchema, parseInstant } from '../shapes.ts';

/** Stated in the first line, so that a reader knows what follows. */
const FORMAT = 'alwrity-ledger/1';

const seqSchema = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const querySchema = z.strictObject({
  from_seq: seqSchema
    .optional()
    .describe('First event; the export begins with the whole transaction that wrote it.'),
  to_seq: seqSchema.optional().describe('Last event, with the whole transaction that wrote it.'),
  from: instantSchema.optional(),
  to: instantSchema.optional(),
});

function linesRow(text: string): ExportRow {
  return { csv: () => [], json: () => text };
}

async function* pagesOf(
  ledger: LedgerOperations,
  query: z.output<typeof querySchema>,
): AsyncGenerator<readonly ExportRow[]> {
  const { from_seq: fromSeq = null, to_seq: toSeq = null, from, to } = query;
  const range = await ledger.exportRange({
    fromSeq,
    toSeq,
    fromMs: from === undefined ? null : parseInstant(from, 'from'),
    toMs: to === undefined ? null : parseInstant(to, 'to'),
  });
  const { fromSeq: begin, previousHash } = range;
  const start = { format: FORMAT, from_seq: begin, previous_hash: previousHash };
  yield [linesRow(JSON.stringify({ start }))];
  let at: number | null = begin;
  let head = previousHash;
  while (at !== null && at <= range.toSeq) {
    const page: Awaited<ReturnType<LedgerOperations['exportPage']>> = await ledger.exportPage({
      fromSeq: at,
      toSeq: range.toSeq,
      previousHash: head,
    });
    if (page.text !== '') yield [linesRow(page.text.slice(0, -1))];
    at = page.nextSeq;
    head = page.head;
  }
  const end = { next_seq: Math.max(begin, range.toSeq + 1), hash: head };
  yield [linesRow(JSON.stringify({ end }))];
}

export const ledgerExportRoute: AdminRoute = {
  description: {
    method: 'get',
    path: `${ADMIN_PREFIX}/ledger/export`,
    operationId: 'exportLedger',
    summary: 'The ledger as a file',
    description:
      'Newline-delimited JSON, oldest event first, with the hashes over the events; `docs/ledger.md` describes every line and how to fold them. The last line names the event to go on with, as `from_seq`.',
    tag: 'ledger',
    access: 'admin',
    query: querySchema,
    reply: {
      status: 200,
      description: 'The file. It is whole when its last line has `end`.',
      content: { 'application/x-ndjson': { schema: z.string() } },
    },
    errors: ['invalid_request'],
  },
  async run(input, { store }) {
    const query = parsePart(querySchema, input.query, 'query parameter');
    const table = { name: 'ledger', columns: [], pages: pagesOf(store.ledgerOperations, query) };
    return StreamedReply.begin(table, 'ndjson');
  },
};
