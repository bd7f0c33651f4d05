/**
 * Prices over time: what the writer is asked to keep, what the reader is asked for, and the gateway's end of both.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type {
  ArchivedPrice,
  BookInForce,
  PriceArchive,
  PriceRuleRecord,
} from '../../metering/price-port.ts';
import type { ReaderLink } from './reader-link.ts';
import type { QueryTable } from './reader-queries.ts';
import { statementCache } from './statement-cache.ts';
import { integer, nullableInteger, nullableText, type SqlRow, text } from './subscriptions.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

type Book = Parameters<PriceArchive['putBook']>[0];

export function priceOperations({ database }: Pick<OperationParts, 'database'>): OperationTable {
  return {
    putPriceBook: {
      writes: true,
      run([argument], unit) {
        const book = argument as Book;
        const newest = database
          .prepare('SELECT id FROM price_book ORDER BY seq DESC LIMIT 1')
          .get();
        if (newest?.['id'] === book.id) return null;
        const put = database.prepare('INSERT OR IGNORE INTO price_item VALUES (?, ?)');
        for (const { id, row } of book.prices) put.run(id, row);
        database
          .prepare('INSERT INTO price_book (id, from_ts, items) VALUES (?, ?, ?)')
          .run(book.id, unit.nowMs, JSON.stringify(book.prices.map(({ id }) => id)));
        return null;
      },
    },
    putPriceRule: {
      writes: true,
      run([argument]) {
        const rule = argument as PriceRuleRecord;
        database
          .prepare('INSERT INTO price_rule VALUES (?, ?, ?, ?, ?)')
          .run(rule.id, rule.customerId, rule.body, rule.createdAtMs, rule.retiredAtMs);
        return null;
      },
    },
    retirePriceRule: {
      writes: true,
      run([ruleId, atMs]) {
        database
          .prepare('UPDATE price_rule SET retired_at = ? WHERE id = ? AND retired_at IS NULL')
          .run(atMs as number, ruleId as string);
        return null;
      },
    },
  };
}

function ruleOf(row: SqlRow): PriceRuleRecord {
  return {
    id: text(row, 'id'),
    customerId: nullableText(row, 'customer_id'),
    body: text(row, 'body'),
    createdAtMs: integer(row, 'created_at'),
    retiredAtMs: nullableInteger(row, 'retired_at'),
  };
}

function priceOf(row: SqlRow): ArchivedPrice {
  return { id: text(row, 'id'), row: text(row, 'body') };
}

export function priceQueries(database: DatabaseSync): QueryTable {
  const sql = statementCache(database);
  return {
    priceBooks(): readonly BookInForce[] {
      const rows = sql(
        'SELECT id, from_ts, json_array_length(items) AS prices FROM price_book ORDER BY seq DESC',
      ).all();
      return rows.map((row, place) => {
        const later = rows[place - 1];
        return {
          id: text(row, 'id'),
          fromMs: integer(row, 'from_ts'),
          untilMs: later === undefined ? null : integer(later, 'from_ts'),
          prices: integer(row, 'prices'),
        };
      });
    },
    priceBookAt([atMs]) {
      const book = sql(
        'SELECT id, items FROM price_book WHERE from_ts <= ? ORDER BY seq DESC LIMIT 1',
      ).get(atMs as number);
      if (book === undefined) return null;
      const prices = sql(
        'SELECT i.id, i.body FROM json_each(?) named JOIN price_item i ON i.id = named.value',
      ).all(text(book, 'items'));
      return { id: text(book, 'id'), prices: prices.map(priceOf) };
    },
    prices: ([ids]) =>
      sql('SELECT i.id, i.body FROM json_each(?) named JOIN price_item i ON i.id = named.value')
        .all(JSON.stringify(ids))
        .map(priceOf),
    priceRules: () => sql('SELECT * FROM price_rule ORDER BY rowid').all().map(ruleOf),
  };
}

export function pricesOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
): PriceArchive {
  const write = async (name: string, args: readonly FlatValue[]): Promise<void> => {
    await link.ask((flat, call) => {
      putCall(flat, call, { name, args });
    });
  };
  return {
    putBook: (book) => write('putPriceBook', [book]),
    putRule: (rule) => write('putPriceRule', [rule]),
    retireRule: (ruleId, atMs) => write('retirePriceRule', [ruleId, atMs]),
    rules: () => readers.ask('priceRules', []),
    books: () => readers.ask('priceBooks', []),
    bookAt: (atMs) => readers.ask('priceBookAt', [atMs]),
    prices: (ids) => readers.ask('prices', [ids]),
  };
}
