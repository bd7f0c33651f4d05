/**
 * Assets as both planes show them.
 *
 * @module
 */
import { z } from 'zod';
import type { AssetRecord } from '../../media/asset-port.ts';
import { formatTime, formatTimeOrNull, timeSchema } from './shapes.ts';

/** What is known of stored media. */
export const assetSchema = z
  .strictObject({
    id: z.string().describe('`ast_…`'),
    object: z.literal('asset'),
    type: z.string().describe('Media type by the bytes.'),
    bytes: z.int(),
    sha256: z.string().describe('Lower-case hex; also the entity tag.'),
    width: z.int().nullable().describe('Pixels; null for what is no picture.'),
    height: z.int().nullable(),
    name: z.string().nullable().describe('As its owner called it.'),
    created_at: timeSchema,
    expires_at: timeSchema.nullable().describe('When it is removed; null: never.'),
    request: z.string().describe('The request that stored it.'),
  })
  .meta({ id: 'Asset' });

/** Media to be stored that a body names instead of holding it. */
export const assetImportSchema = z
  .strictObject({
    url: z.string().min(1).describe('An https URL to fetch, a data URL, or the id of an asset.'),
    name: z.string().max(1000).optional().describe('File name to show.'),
  })
  .meta({ id: 'AssetImport' });

/** An asset as both planes show it. */
export function showAsset(asset: AssetRecord): z.input<typeof assetSchema> {
  return {
    id: asset.id,
    object: 'asset',
    type: asset.type,
    bytes: asset.bytes,
    sha256: asset.hash,
    width: asset.width,
    height: asset.height,
    name: asset.name,
    created_at: formatTime(asset.createdAtMs),
    expires_at: formatTimeOrNull(asset.expiresAtMs),
    request: asset.requestId,
  };
}
