/**
 * The door to what is known of stored media: who owns which bytes, until when. The bytes themselves lie elsewhere, under
 * their hash. One implementation per store; every one passes `asset-records.contract.ts`. Times are milliseconds since
 * the epoch.
 *
 * @module
 */
import type { Page, PageQuery } from '../metering/ports.ts';

/** Stored media: content that one customer owns for a time. It never changes. */
export interface AssetRecord {
  /** `ast_…` */
  readonly id: string;
  readonly customerId: string;
  /** Lower-case hex SHA-256 of the bytes. Many assets may have one content. */
  readonly hash: string;
  readonly bytes: number;
  /** Media type by the bytes themselves, never by what somebody said. */
  readonly type: string;
  /** Pixels, where the type has them. */
  readonly width: number | null;
  readonly height: number | null;
  /** As its owner called it. For people only: never a path. */
  readonly name: string | null;
  readonly createdAtMs: number;
  /** From then on it is gone; null: never. */
  readonly expiresAtMs: number | null;
  /** The request that stored it, `req_…`. */
  readonly requestId: string;
}

export interface AssetQuery extends PageQuery {
  /** Null: of all customers. */
  readonly customerId: string | null;
}

/** What a removal leaves: contents that no asset has any more. */
export interface RemovedAssets {
  readonly removed: number;
  readonly orphanedHashes: readonly string[];
}

export interface AssetTotals {
  readonly assets: number;
  /** Of all assets, as if each had bytes of its own. */
  readonly bytes: number;
}

/** Rejected promises are `GatewayError` `metering_unavailable`: nothing was changed. */
export interface AssetRecords {
  /** Durable when it answers. */
  add(asset: AssetRecord): Promise<void>;
  /** Whatever its age; null where there is none. */
  asset(id: string): Promise<AssetRecord | null>;
  /** Newest first. */
  list(query: AssetQuery): Promise<Page<AssetRecord>>;
  /** Removes one. Unknown: nothing is removed. */
  remove(id: string): Promise<RemovedAssets>;
  /** Removes assets that have expired by `atMs`, at most `limit`, oldest expiry first. */
  removeExpired(atMs: number, limit: number): Promise<RemovedAssets>;
  /** Removes every asset of a content whose bytes are lost. @returns how many */
  removeContent(hash: string): Promise<number>;
  /** Whether any asset has this content. */
  hasContent(hash: string): Promise<boolean>;
  /** Contents whose hash begins with two hex digits, each once. */
  contents(prefix: string): Promise<readonly string[]>;
  totals(): Promise<AssetTotals>;
}
