import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BulkInsert } from './bulk-insert.ts';

function tables(): { database: DatabaseSync; insert: BulkInsert; rows: () => unknown[] } {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE one (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT');
  const insert = new BulkInsert(database, 'one', ['id', 'name']);
  const all = database.prepare('SELECT id, name FROM one ORDER BY id');
  return { database, insert, rows: () => all.all().map(({ id, name }) => [id, name]) };
}

describe('BulkInsert', () => {
  it('writes every row once, however many there are', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 40 }), { maxLength: 4 }), (counts) => {
        const { insert, rows } = tables();
        const expected: [number, string][] = [];
        for (const count of counts) {
          for (let n = 0; n < count; n += 1) {
            const row: [number, string] = [expected.length, `row ${expected.length}`];
            expected.push(row);
            insert.add(...row);
          }
          insert.flush();
        }
        expect(rows()).toEqual(expected);
      }),
    );
  });

  it('undoes the transaction when a row is there already, and goes on with the next one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), (count, at) => {
        const { database, insert, rows } = tables();
        database.exec("INSERT INTO one VALUES (1000, 'known')");
        database.exec("BEGIN; INSERT INTO one VALUES (2000, 'of the same transaction')");
        for (let n = 0; n < count; n += 1) insert.add(n, n === at % count ? 'known' : `row ${n}`);
        expect(() => {
          insert.flush();
        }).toThrow('UNIQUE');
        expect(database.isTransaction).toBe(false);
        expect(rows()).toEqual([[1000, 'known']]);
        insert.add(1, 'later');
        insert.flush();
        expect(rows()).toEqual([
          [1, 'later'],
          [1000, 'known'],
        ]);
      }),
    );
  });

  it('forgets what is dropped', () => {
    const { insert, rows } = tables();
    insert.add(1, 'dropped');
    insert.drop();
    insert.flush();
    expect(rows()).toEqual([]);
  });
});
