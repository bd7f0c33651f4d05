/**
 * What every store of asset records must do.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AssetRecord, AssetRecords } from './asset-port.ts';

export interface AssetRecordsSuite {
  readonly name: string;
  /** Makes an empty store. */
  create(): Promise<{ readonly records: AssetRecords; readonly dispose: () => Promise<void> }>;
}

/** A hash that begins with two hex digits. */
export function hashOf(prefix: string, n: number): string {
  return prefix + String(n).padStart(62, '0');
}

export function assetOf(n: number, more: Partial<AssetRecord> = {}): AssetRecord {
  return {
    id: `ast_${n}`,
    customerId: 'cus_1',
    hash: hashOf('ab', n),
    bytes: 100 + n,
    type: 'image/png',
    width: 10,
    height: 20,
    name: null,
    createdAtMs: 1_000,
    expiresAtMs: null,
    requestId: 'req_1',
    ...more,
  };
}

export function describeAssetRecords(suite: AssetRecordsSuite): void {
  describe(`${suite.name} keeps asset records`, () => {
    let records: AssetRecords;
    let dispose: () => Promise<void>;
    const add = async (...assets: readonly AssetRecord[]): Promise<void> => {
      for (const asset of assets) await records.add(asset);
    };

    beforeEach(async () => {
      ({ records, dispose } = await suite.create());
    });
    afterEach(() => dispose());

    it('gives back what was added, with every absence', async () => {
      const full = assetOf(1, { name: 'a “cat”.png', expiresAtMs: 5_000 });
      const bare = assetOf(2, { type: 'audio/wav', width: null, height: null });
      await add(full, bare);
      expect(await records.asset('ast_1')).toEqual(full);
      expect(await records.asset('ast_2')).toEqual(bare);
      expect(await records.asset('ast_3')).toBeNull();
    });

    it('lists newest first, by customer and by page', async () => {
      for (let n = 1; n <= 5; n += 1) await add(assetOf(n, { customerId: `cus_${n % 2}` }));
      const all = await records.list({ customerId: null, limit: 2, cursor: null });
      expect(all.data.map(({ id }) => id)).toEqual(['ast_5', 'ast_4']);
      const next = await records.list({ customerId: null, limit: 9, cursor: all.nextCursor });
      expect(next.data.map(({ id }) => id)).toEqual(['ast_3', 'ast_2', 'ast_1']);
      expect(next.nextCursor).toBeNull();
      const own = await records.list({ customerId: 'cus_0', limit: 9, cursor: null });
      expect(own.data.map(({ id }) => id)).toEqual(['ast_4', 'ast_2']);
      const none = await records.list({ customerId: 'cus_9', limit: 9, cursor: null });
      expect(none).toEqual({ data: [], nextCursor: null });
    });

    it('says which content is left without an asset, and only then', async () => {
      const hash = hashOf('cd', 1);
      await add(assetOf(1, { hash }), assetOf(2, { hash, customerId: 'cus_2' }), assetOf(3));
      expect(await records.remove('ast_1')).toEqual({ removed: 1, orphanedHashes: [] });
      expect(await records.hasContent(hash)).toBe(true);
      expect(await records.remove('ast_2')).toEqual({ removed: 1, orphanedHashes: [hash] });
      expect(await records.hasContent(hash)).toBe(false);
      expect(await records.remove('ast_2')).toEqual({ removed: 0, orphanedHashes: [] });
      expect(await records.asset('ast_3')).not.toBeNull();
    });

    it('removes the expired in steps, oldest expiry first, and no other', async () => {
      await add(
        assetOf(1, { expiresAtMs: 300 }),
        assetOf(2, { expiresAtMs: 100 }),
        assetOf(3, { expiresAtMs: 200 }),
        assetOf(4, { expiresAtMs: 301 }),
        assetOf(5),
      );
      expect(await records.removeExpired(300, 2)).toEqual({
        removed: 2,
        orphanedHashes: expect.arrayContaining([hashOf('ab', 2), hashOf('ab', 3)]) as unknown,
      });
      expect(await records.removeExpired(300, 2)).toMatchObject({ removed: 1 });
      expect(await records.removeExpired(300, 2)).toEqual({ removed: 0, orphanedHashes: [] });
      expect(await records.totals()).toEqual({ assets: 2, bytes: 209 });
    });

    it('knows contents by the beginning of their hash', async () => {
      await add(
        assetOf(1, { hash: hashOf('00', 1) }),
        assetOf(2, { hash: hashOf('00', 1) }),
        assetOf(3, { hash: hashOf('0f', 1) }),
        assetOf(4, { hash: 'f'.repeat(64) }),
      );
      expect(await records.contents('00')).toEqual([hashOf('00', 1)]);
      expect(await records.contents('ff')).toEqual(['f'.repeat(64)]);
      expect(await records.contents('0e')).toEqual([]);
      expect(await records.removeContent(hashOf('00', 1))).toBe(2);
      expect(await records.contents('00')).toEqual([]);
    });
  });
}
