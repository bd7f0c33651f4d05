/**
 * What is known of stored media: what the writer is asked to change, what the reader is asked for, and the gateway's
 * end of both.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type {
  AssetQuery,
  AssetRecord,
  AssetRecords,
  RemovedAssets,
} from '../../media/asset-port.ts';
import { numberCursor, pageOf, pageSize } from './paging.ts';
import type { ReaderLink } from './reader-link.ts';
import type { QueryTable } from './reader-queries.ts';
import { statementCache } from './statement-cache.ts';
import { integer, nullableInteger, nullableText, type SqlRow, text } from './subscriptions.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

function readAsset(row: SqlRow): AssetRecord {
  return {
    id: text(row, 'id'),
    customerId: text(row, 'customer_id'),
    hash: text(row, 'hash'),
    bytes: integer(row, 'bytes'),
    type: text(row, 'type'),
    width: nullableInteger(row, 'width'),
    height: nullableInteger(row, 'height'),
    name: nullableText(row, 'name'),
    createdAtMs: integer(row, 'created_at'),
    expiresAtMs: nullableInteger(row, 'expires_at'),
    requestId: text(row, 'request_id'),
  };
}

export function assetOperations({ database }: Pick<OperationParts, 'database'>): OperationTable {
  const sql = statementCache(database);
  /** Which contents of the removed rows are left without an asset. */
  const removed = (rows: readonly SqlRow[]): RemovedAssets => {
    const hashes = [...new Set(rows.map((row) => text(row, 'hash')))];
    const isUsed = sql('SELECT 1 FROM asset WHERE hash = ? LIMIT 1');
    return {
      removed: rows.length,
      orphanedHashes: hashes.filter((hash) => isUsed.get(hash) === undefined),
    };
  };
  return {
    addAsset: {
      writes: true,
      run([argument]) {
        const asset = argument as AssetRecord;
        sql(
          `INSERT INTO asset (id, customer_id, hash, bytes, type, width, height, name, created_at, expires_at, request_id)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ).run(
          asset.id,
          asset.customerId,
          asset.hash,
          asset.bytes,
          asset.type,
          asset.width,
          asset.height,
          asset.name,
          asset.createdAtMs,
          asset.expiresAtMs,
          asset.requestId,
        );
        return null;
      },
    },
    removeAsset: {
      writes: true,
      run: ([id]) =>
        removed(sql('DELETE FROM asset WHERE id = ? RETURNING hash').all(id as string)),
    },
    removeExpiredAssets: {
      writes: true,
      run: ([atMs, limit]) =>
        removed(
          sql(
            `DELETE FROM asset WHERE seq IN (
               SELECT seq FROM asset WHERE expires_at <= ? ORDER BY expires_at LIMIT ?
             ) RETURNING hash`,
          ).all(atMs as number, limit as number),
        ),
    },
    removeAssetContent: {
      writes: true,
      run: ([hash]) => Number(sql('DELETE FROM asset WHERE hash = ?').run(hash as string).changes),
    },
  };
}

export function assetQueries(database: DatabaseSync): QueryTable {
  const sql = statementCache(database);
  return {
    asset([id]) {
      const row = sql('SELECT * FROM asset WHERE id = ?').get(id as string);
      return row === undefined ? null : readAsset(row);
    },
    assets([argument]) {
      const query = argument as AssetQuery;
      const limit = pageSize(query);
      const before = numberCursor(query.cursor, Number.MAX_SAFE_INTEGER);
      const rows =
        query.customerId === null
          ? sql('SELECT * FROM asset WHERE seq < ? ORDER BY seq DESC LIMIT ?').all(
              before,
              limit + 1,
            )
          : sql(
              'SELECT * FROM asset WHERE customer_id = ? AND seq < ? ORDER BY seq DESC LIMIT ?',
            ).all(query.customerId, before, limit + 1);
      return pageOf(rows, limit, { read: readAsset, cursor: (row) => String(integer(row, 'seq')) });
    },
    hasAssetContent: ([hash]) =>
      sql('SELECT 1 FROM asset WHERE hash = ? LIMIT 1').get(hash as string) !== undefined,
    assetContents: ([prefix]) =>
      sql('SELECT DISTINCT hash FROM asset WHERE hash >= ?1 AND hash < ?1 || ?2')
        // All hex digits come before it.
        .all(prefix as string, 'g')
        .map((row) => text(row, 'hash')),
    assetTotals() {
      const row = sql('SELECT count(*) AS assets, total(bytes) AS bytes FROM asset').get() ?? {};
      return { assets: integer(row, 'assets'), bytes: integer(row, 'bytes') };
    },
  };
}

export function assetsOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
): AssetRecords {
  const write = <Value>(name: string, ...args: readonly FlatValue[]): Promise<Value> =>
    link.ask((flat, call) => {
      putCall(flat, call, { name, args });
    });
  return {
    async add(asset) {
      await write('addAsset', asset);
    },
    asset: (id) => readers.ask('asset', [id]),
    list: (query) => readers.ask('assets', [query]),
    remove: (id) => write('removeAsset', id),
    removeExpired: (atMs, limit) => write('removeExpiredAssets', atMs, limit),
    removeContent: (hash) => write('removeAssetContent', hash),
    hasContent: (hash) => readers.ask('hasAssetContent', [hash]),
    contents: (prefix) => readers.ask('assetContents', [prefix]),
    totals: () => readers.ask('assetTotals', []),
  };
}
