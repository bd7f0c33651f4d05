/**
 * Requests as a table, newest first.
 *
 * @module
 */
import { formatUsd } from '../../../contracts/money.ts';
import { COUNTED_UNITS } from '../../../contracts/usage.ts';
import type { MeteringStore, RequestQuery, RequestRecord } from '../../../metering/ports.ts';
import { showRequest } from '../routes/requests.ts';
import type { ExportRow, ExportTable } from './export-table.ts';

const ROWS_PER_READ = 500;

const FIELDS: readonly (readonly [
  string,
  (record: RequestRecord) => string | number | boolean | null,
])[] = [
  ['id', ({ requestId }) => requestId],
  ['customer', ({ customerId }) => customerId],
  ['key', ({ keyId }) => keyId],
  ['operation', ({ operation }) => operation],
  ['model', ({ modelAsked }) => modelAsked],
  ['provider', ({ provider }) => provider],
  ['model_served', ({ modelServed }) => modelServed],
  ['status', ({ status }) => status],
  ['error_code', ({ errorCode }) => errorCode],
  ['stream', ({ stream }) => stream],
  ['client_closed', ({ clientClosed }) => clientClosed],
  ['started_at', ({ startedAtMs }) => timeOf(startedAtMs)],
  ['first_token_at', ({ firstTokenAtMs }) => timeOf(firstTokenAtMs)],
  ['finished_at', ({ finishedAtMs }) => timeOf(finishedAtMs)],
  ['overhead_ms', ({ overheadMs }) => overheadMs],
  ['attempts', ({ attempts }) => attempts],
  ...COUNTED_UNITS.map((unit) => [unit, ({ usage }: RequestRecord) => usage[unit] ?? 0] as const),
  ['cost', ({ costNanoUsd }) => formatUsd(costNanoUsd)],
  ['estimated', ({ estimated }) => estimated],
  ['simulated', ({ simulated }) => simulated],
  ['warnings', ({ warnings }) => warnings.join(' ')],
  ['tags', ({ tags }) => (tags === null ? null : JSON.stringify(tags))],
];

function timeOf(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

function rowOf(record: RequestRecord): ExportRow {
  return {
    csv: () => FIELDS.map(([, read]) => String(read(record) ?? '')),
    json: () => JSON.stringify(showRequest(record)),
  };
}

async function* pagesOf(
  store: MeteringStore,
  range: Pick<RequestQuery, 'customerId' | 'fromMs' | 'toMs'>,
): AsyncGenerator<readonly ExportRow[]> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<MeteringStore['reader']['requests']>> =
      await store.reader.requests({ ...range, limit: ROWS_PER_READ, cursor });
    yield page.data.map(rowOf);
    cursor = page.nextCursor;
  } while (cursor !== null);
}

/** Every request of the range; what comes in meanwhile is not part of it. */
export function requestExport(
  store: MeteringStore,
  range: Pick<RequestQuery, 'customerId' | 'fromMs' | 'toMs'>,
): ExportTable {
  return {
    name: 'requests',
    columns: FIELDS.map(([name]) => name),
    pages: pagesOf(store, range),
  };
}
