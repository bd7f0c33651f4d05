import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { reserveOf, settleOf } from '../../../metering/testing/store-samples.ts';
import { migrate } from '../migrations.ts';
import { readRequestLog } from '../request-log.ts';
import { encodeRequest } from '../row-codec.ts';

describe('the request log of version 1', () => {
  it('is listed by customer in version 2 as it was', () => {
    const database = new DatabaseSync(':memory:', { readBigInts: true });
    migrate(database, 'gateway.db', 1);
    const insert = database.prepare('INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, NULL)');
    const records = [1, 2, 3, 4].map((n) => {
      const customerId = n === 3 ? 'cus_2' : 'cus_1';
      const { request } = settleOf(reserveOf(customerId, n), 1_790_000_000_000 + n);
      const row = JSON.parse(encodeRequest(request)) as unknown[];
      row[10] = request.startedAtMs;
      const { requestId, startedAtMs } = request;
      insert.run(n, requestId, customerId, startedAtMs, `hold_${n}`, JSON.stringify(row));
      return request;
    });
    migrate(database, 'gateway.db');
    const [first, second, third, fourth] = records;
    const ask = (customerId: string) => {
      const all = { fromMs: null, toMs: null, provider: null, status: null };
      return readRequestLog(database, { customerId, ...all, limit: 10, offset: 0 });
    };
    expect(ask('cus_1')).toEqual({ data: [fourth, second, first], total: 3 });
    expect(ask('cus_2')).toEqual({ data: [third], total: 1 });
    expect(ask('cus_3')).toEqual({ data: [], total: 0 });
  });
});
