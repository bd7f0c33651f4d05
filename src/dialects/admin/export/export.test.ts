import { describe, expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../../metering/testing/store-samples.ts';
import type { MeteringStore, RequestRecord } from '../../../metering/ports.ts';
import { csvField, csvLine } from './csv.ts';
import { type ExportTable, StreamedReply, toWebStream } from './export-table.ts';
import { requestExport } from './request-export.ts';

const ROWS = 50_000;
const ROWS_A_PAGE = 500;

/** A store with many requests, made page by page as they are asked for. */
function storeOf(rows: number, onPage: () => void): MeteringStore {
  const { request } = settleOf(reserveOf('cus_1', 1), Date.UTC(2026, 10, 1));
  const reader: Pick<MeteringStore['reader'], 'requests'> = {
    async requests({ cursor, limit }) {
      onPage();
      const from = Number(cursor ?? 0);
      const data = Array.from(
        { length: Math.min(limit, rows - from) },
        (_, index): RequestRecord => ({ ...request, requestId: `req_${from + index}` }),
      );
      const next = from + data.length;
      return { data, nextCursor: next < rows ? String(next) : null };
    },
  };
  return { reader } as MeteringStore;
}

const RANGE = { customerId: null, fromMs: null, toMs: null };

describe('csv', () => {
  it.each([
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "no"', '"say ""no"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['', ''],
    ['=1+1', "'=1+1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['-cmd', "'-cmd"],
    ['\t=x', "'\t=x"],
    ['+1', "'+1"],
    ['-0.000000001', '-0.000000001'],
    ['12.5', '12.5'],
  ])('writes %j as %j', (text, field) => {
    expect(csvField(text)).toBe(field);
  });

  it('ends records with CRLF', () => {
    expect(csvLine(['a', '', 'b"'])).toBe('a,,"b"""\r\n');
  });
});

describe('export', () => {
  it('sends fifty thousand rows, reading no further than the client does', async () => {
    let pages = 0;
    const table = requestExport(
      storeOf(ROWS, () => (pages += 1)),
      RANGE,
    );
    const stream = toWebStream(await StreamedReply.begin(table, 'csv'));
    expect(pages).toBe(1);
    let taken = 0;
    let lines = 0;
    for await (const chunk of stream) {
      taken += 1;
      expect(pages).toBeLessThanOrEqual(taken + 1);
      expect(chunk.byteLength).toBeLessThan(ROWS_A_PAGE * 1000);
      lines += Buffer.from(chunk).toString('utf8').split('\r\n').length - 1;
    }
    expect(pages).toBe(ROWS / ROWS_A_PAGE);
    expect(lines).toBe(ROWS + 1);
  });

  it('stops reading when the client leaves', async () => {
    let pages = 0;
    const table = requestExport(
      storeOf(ROWS, () => (pages += 1)),
      RANGE,
    );
    const reader = toWebStream(await StreamedReply.begin(table, 'ndjson')).getReader();
    await reader.read();
    await reader.cancel();
    expect(pages).toBeLessThanOrEqual(2);
  });

  it('refuses before the first byte, and breaks off after it', async () => {
    const failing = (after: number): ExportTable => ({
      name: 'x',
      columns: ['a'],
      pages: (async function* () {
        for (let n = 0; n < after; n += 1) yield [{ csv: () => ['1'], json: () => '{}' }];
        throw new Error('the store has gone');
      })(),
    });
    await expect(StreamedReply.begin(failing(0), 'csv')).rejects.toThrow('the store has gone');
    const reader = toWebStream(await StreamedReply.begin(failing(1), 'csv')).getReader();
    await reader.read();
    await expect(reader.read()).rejects.toThrow('the store has gone');
  });

  it('sends the head of an empty table', async () => {
    const table = requestExport(
      storeOf(0, () => undefined),
      RANGE,
    );
    const reply = await StreamedReply.begin(table, 'csv');
    const { value } = await reply.next();
    expect(String(value)).toMatch(/^id,customer,key,.*,tags\r\n$/);
    expect((await reply.next()).done).toBe(true);
  });
});
