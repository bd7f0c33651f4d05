/**
 * Stored media: contents under their hash, and assets that own them for a time.
 *
 * A content is placed before the asset that names it is recorded, and removed after the last such asset is: a crash in
 * between leaves bytes that nobody owns, which the next start removes, but never an asset without bytes. Placing and
 * removing one content never overlap.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { IdSource } from '../contracts/ids.ts';
import type { Page } from '../metering/ports.ts';
import type { AssetQuery, AssetRecord, AssetRecords, AssetTotals } from './asset-port.ts';
import type { AssetUrls } from './asset-urls.ts';
import type { Blobs, ByteSpan } from './blobs.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { kindOf } from './media-type.ts';
import type { MediaFile, Reception, Staging } from './staging.ts';
import { storageError } from './storage-error.ts';

export interface AssetSettings {
  /** Of one asset. */
  readonly maxBytes: number;
  /** Begins signed URLs; empty: the host that a request named does. */
  readonly publicUrl: string;
  /** How long an asset of a plan is kept; null: for ever. */
  readonly expireAfterMs: (planId: string | null) => number | null;
  /** Whether {@link expireAfterMs} looks at the plan. */
  readonly expiresByPlan: boolean;
  /** How long a signed URL is valid. */
  readonly urlTtlMs: number;
}

export interface AssetParts {
  readonly records: AssetRecords;
  readonly blobs: Blobs;
  readonly staging: Staging;
  readonly urls: AssetUrls;
  readonly settings: AssetSettings;
  readonly ids: IdSource;
  readonly nowMs: () => number;
  /** Id of the plan that a customer is on; null for an unknown customer. */
  readonly planOf: (customerId: string) => Promise<string | null>;
  /** Told of what nobody waits for: a sweep that failed, an asset whose bytes were lost. */
  readonly onFault: (error: unknown) => void;
}

export interface NewAsset {
  readonly customerId: string;
  readonly requestId: string;
  /** As the owner calls it; only its last path segment is kept. */
  readonly name: string | null;
}

/** What a start has put right. */
export interface RecoveryReport {
  /** Contents without an asset, removed. */
  readonly orphans: number;
  /** Assets whose bytes were gone, removed. */
  readonly lost: number;
}

/** `00` to `ff`: the parts into which contents are divided. */
const PREFIXES = Array.from({ length: 256 }, (_, n) => n.toString(16).padStart(2, '0'));
const EXPIRED_PER_STEP = 200;
/** Bounds one round; the next goes on. */
const EXPIRY_STEPS_MAX = 50;
const NAME_MAX_CHARACTERS = 200;
/** What may stand between `http://` and a path without changing what either means. */
const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** A client's file name as it may be shown: one segment, no controls. */
export function plainName(name: string | null): string | null {
  if (name === null) return null;
  const segment = name.split(/[/\\]/).at(-1) ?? '';
  // Controls, line ends and marks that turn the direction of writing.
  const plain = segment.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim();
  const short = plain.slice(0, NAME_MAX_CHARACTERS).toWellFormed();
  return short === '' || short === '.' || short === '..' ? null : short;
}

export class Assets {
  readonly #parts: AssetParts;
  readonly #queue = new KeyedQueue();
  #closing = false;
  #timer: NodeJS.Timeout | undefined;
  #background: Promise<unknown> = Promise.resolve();

  constructor(parts: AssetParts) {
    this.#parts = parts;
  }

  /** Receives media into a file that the caller releases, or hands to {@link keep}. @throws as {@link Staging.receive} */
  receive(source: AsyncIterable<Uint8Array>, reception: Reception): Promise<MediaFile> {
    return this.#parts.staging.receive(source, reception);
  }

  /** The whole of a received file, for what is small enough to be in memory. */
  bytesOf(file: MediaFile): Promise<Buffer> {
    return readFile(file.path);
  }

  /**
   * Keeps media as an asset of a customer, and takes over its file.
   *
   * @throws GatewayError `overloaded` without room, `metering_unavailable`; nothing was stored
   */
  async keep(file: MediaFile, owner: NewAsset): Promise<AssetRecord> {
    const { ids, nowMs, records, blobs } = this.#parts;
    const keptMs = await this.keptMs(owner.customerId);
    const createdAtMs = nowMs();
    const asset: AssetRecord = {
      id: ids.next('ast'),
      customerId: owner.customerId,
      hash: file.hash,
      bytes: file.bytes,
      type: file.type,
      width: file.size?.width ?? null,
      height: file.size?.height ?? null,
      name: plainName(owner.name),
      createdAtMs,
      expiresAtMs: keptMs === null ? null : createdAtMs + keptMs,
      requestId: owner.requestId,
    };
    try {
      await this.#queue.run(file.hash, async () => {
        await blobs.take(file);
        try {
          await records.add(asset);
        } catch (error) {
          await this.#dropUnowned(file.hash);
          throw error;
        }
      });
    } catch (error) {
      throw storageError(error);
    } finally {
      await file.release();
    }
    return asset;
  }

  /**
   * An asset that has not expired.
   *
   * @param customerId null for the control plane; else another customer's asset is not found
   */
  async find(id: string, customerId: string | null): Promise<AssetRecord | null> {
    const asset = await this.#parts.records.asset(id);
    if (asset === null || this.#isExpired(asset)) return null;
    return customerId === null || asset.customerId === customerId ? asset : null;
  }

  list(query: AssetQuery): Promise<Page<AssetRecord>> {
    return this.#parts.records.list(query);
  }

  totals(): Promise<AssetTotals> {
    return this.#parts.records.totals();
  }

  /** Whether an asset's bytes are there. */
  has(asset: AssetRecord): Promise<boolean> {
    return this.#parts.blobs.has(asset.hash);
  }

  /** Opens an asset's bytes; null where it has been removed meanwhile. */
  read(asset: AssetRecord, span: ByteSpan | null): Promise<Readable | null> {
    return this.#parts.blobs.read(asset.hash, span);
  }

  /** An asset as a file of the caller's own, that outlives its removal; null where it has been removed meanwhile. */
  async lend(asset: AssetRecord): Promise<MediaFile | null> {
    const { staging, blobs } = this.#parts;
    const kind = kindOf(asset.type);
    const path = staging.path();
    if (kind === null || !(await blobs.copyTo(asset.hash, path))) return null;
    const { hash, bytes, type, width, height } = asset;
    const size = width === null || height === null ? null : { width, height };
    return { path, hash, bytes, type, kind, size, release: () => staging.remove(path) };
  }

  /** Removes an asset, and its content where no other has it. @returns false where it was not there */
  async remove(id: string): Promise<boolean> {
    const { removed, orphanedHashes } = await this.#parts.records.remove(id);
    await this.#dropAll(orphanedHashes);
    return removed > 0;
  }

  /** Bytes of the largest asset that is taken. */
  get maxBytes(): number {
    return this.#parts.settings.maxBytes;
  }

  /**
   * A signed URL; it ends with the asset at the latest.
   *
   * @param host as the request named it; null: none did. Where neither it nor `assets.publicUrl` is known the URL is
   *   relative
   */
  urlOf(asset: AssetRecord, host: string | null): string {
    const { urls, settings, nowMs } = this.#parts;
    const untilMs = nowMs() + settings.urlTtlMs;
    const path = urls.sign(asset.id, Math.min(untilMs, asset.expiresAtMs ?? untilMs));
    if (settings.publicUrl !== '') return settings.publicUrl.replace(/\/+$/, '') + path;
    return host !== null && HOST.test(host) ? `http://${host}${path}` : path;
  }

  isSigned(id: string, query: { readonly expires: string; readonly signature: string }): boolean {
    return this.#parts.urls.isValid(id, query, this.#parts.nowMs());
  }

  /** Puts right what a crash has left. Runs beside everything else, a part of the contents at a time. */
  async recover(): Promise<RecoveryReport> {
    const { records, blobs, onFault } = this.#parts;
    let orphans = 0;
    let lost = 0;
    for (const prefix of PREFIXES) {
      if (this.#closing) break;
      const there = new Set(await blobs.list(prefix));
      const known = new Set(await records.contents(prefix));
      for (const hash of there) if (!known.has(hash)) orphans += Number(await this.#drop(hash));
      for (const hash of known) {
        if (there.has(hash)) continue;
        const removed = await this.#queue.run(hash, async () =>
          (await blobs.has(hash)) ? 0 : records.removeContent(hash),
        );
        lost += removed;
        if (removed > 0) onFault(new Error(`the bytes of ${removed} assets were lost: ${hash}`));
      }
    }
    return { orphans, lost };
  }

  /** Removes what has expired, in steps. @returns how many assets */
  async expire(): Promise<number> {
    const { records, nowMs } = this.#parts;
    let total = 0;
    for (let step = 0; step < EXPIRY_STEPS_MAX && !this.#closing; step += 1) {
      const { removed, orphanedHashes } = await records.removeExpired(nowMs(), EXPIRED_PER_STEP);
      await this.#dropAll(orphanedHashes);
      total += removed;
      if (removed < EXPIRED_PER_STEP) break;
    }
    return total;
  }

  /** Puts right what a crash has left, and removes what expires from now on; {@link close} ends it. */
  startUpkeep(everyMs: number): void {
    this.#upkeep('recover');
    this.#upkeep('expire');
    this.#timer = setInterval(() => this.#upkeep('expire'), everyMs);
    this.#timer.unref();
  }

  /** One task after another. */
  #upkeep(task: 'recover' | 'expire'): void {
    this.#background = this.#background
      .then((): unknown => (this.#closing ? null : this[task]()))
      .catch((error: unknown) => {
        if (!this.#closing) this.#parts.onFault(error);
      });
  }

  /** Ends upkeep. The store that keeps the records is closed after this. */
  async close(): Promise<void> {
    this.#closing = true;
    clearInterval(this.#timer);
    await this.#background;
  }

  #isExpired({ expiresAtMs }: AssetRecord): boolean {
    return expiresAtMs !== null && expiresAtMs <= this.#parts.nowMs();
  }

  /** For how many milliseconds what is made for the customer now is kept; null: for ever. */
  async keptMs(customerId: string): Promise<number | null> {
    const { settings, planOf } = this.#parts;
    return settings.expireAfterMs(settings.expiresByPlan ? await planOf(customerId) : null);
  }

  async #dropAll(hashes: readonly string[]): Promise<void> {
    for (const hash of hashes) await this.#drop(hash);
  }

  #drop(hash: string): Promise<boolean> {
    return this.#queue.run(hash, () => this.#dropUnowned(hash));
  }

  /** Inside the queue of the hash: nobody can come to own it meanwhile. */
  async #dropUnowned(hash: string): Promise<boolean> {
    if (await this.#parts.records.hasContent(hash)) return false;
    await this.#parts.blobs.remove(hash);
    return true;
  }
}
