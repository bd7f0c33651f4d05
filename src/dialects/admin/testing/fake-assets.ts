/**
 * What is known of stored media, in memory, for tests of the control plane.
 *
 * @module
 */
import type { AssetRecord, AssetRecords, RemovedAssets } from '../../../media/asset-port.ts';

export function createFakeAssets(): AssetRecords {
  let kept: readonly AssetRecord[] = [];
  const drop = (gone: readonly AssetRecord[]): RemovedAssets => {
    kept = kept.filter((asset) => !gone.includes(asset));
    const hashes = new Set(gone.map(({ hash }) => hash));
    for (const { hash } of kept) hashes.delete(hash);
    return { removed: gone.length, orphanedHashes: [...hashes] };
  };
  return {
    async add(asset) {
      kept = [...kept, asset];
    },
    asset: async (id) => kept.find((asset) => asset.id === id) ?? null,
    async list({ customerId, limit, cursor }) {
      const own = kept
        .filter((asset) => customerId === null || asset.customerId === customerId)
        .toReversed();
      const from = cursor === null ? 0 : own.findIndex(({ id }) => id === cursor) + 1;
      const data = own.slice(from, from + limit);
      return {
        data,
        nextCursor: from + limit < own.length ? (data.at(-1)?.id ?? null) : null,
      };
    },
    remove: async (id) => drop(kept.filter((asset) => asset.id === id)),
    removeExpired: async (atMs, limit) =>
      drop(
        kept
          .filter(({ expiresAtMs }) => expiresAtMs !== null && expiresAtMs <= atMs)
          .toSorted((left, right) => (left.expiresAtMs ?? 0) - (right.expiresAtMs ?? 0))
          .slice(0, limit),
      ),
    removeContent: async (hash) => drop(kept.filter((asset) => asset.hash === hash)).removed,
    hasContent: async (hash) => kept.some((asset) => asset.hash === hash),
    contents: async (prefix) => [
      ...new Set(kept.map(({ hash }) => hash).filter((hash) => hash.startsWith(prefix))),
    ],
    totals: async () => ({
      assets: kept.length,
      bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
    }),
  };
}
