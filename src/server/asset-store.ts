/**
 * Stored media as configuration and store make it.
 *
 * @module
 */
import { join } from 'node:path';
import type { Credentials, GatewayConfig, LoadedConfig } from '../config/index.ts';
import type { IdSource } from '../contracts/ids.ts';
import type { Recorder } from '../gateway/recorder.ts';
import { AssetUrls } from '../media/asset-urls.ts';
import { Assets, type AssetSettings } from '../media/assets.ts';
import type { Blobs } from '../media/blobs.ts';
import { createDiskBlobs } from '../media/disk-blobs.ts';
import { MediaFetcher } from '../media/media-fetcher.ts';
import { MediaInputs } from '../media/media-inputs.ts';
import { Staging } from '../media/staging.ts';
import type { MeteringStore } from '../metering/ports.ts';
import { VERSION } from '../version.ts';

/** Files, or objects of an S3-compatible store, whose client is loaded where it is configured. */
async function openBlobs({ s3 }: GatewayConfig['assets'], directory: string): Promise<Blobs> {
  if (s3.bucket === '') return createDiskBlobs(directory);
  const { openS3Blobs } = await import('../media/s3-blobs.ts');
  return openS3Blobs({ ...s3, endpoint: s3.endpoint === '' ? null : s3.endpoint }, null);
}

const DAY_MS = 86_400_000;
const EXPIRY_EVERY_MS = 60_000;

function settingsOf({ assets }: GatewayConfig): AssetSettings {
  const { expireAfterDays, expireAfterDaysByPlan: byPlan } = assets;
  return {
    expiresByPlan: Object.keys(byPlan).length > 0,
    expireAfterMs(planId) {
      const own = planId !== null && Object.hasOwn(byPlan, planId) ? byPlan[planId] : undefined;
      const days = own ?? expireAfterDays;
      return days === false ? null : days * DAY_MS;
    },
    maxBytes: assets.maxBytes,
    publicUrl: assets.publicUrl,
    urlTtlMs: assets.urlTtlMs,
  };
}

/**
 * Opens the asset store below the data folder and begins its upkeep; close both before the store of the records.
 *
 * @throws Error of the file system where the folder cannot be made, or a sentence about an S3 store that cannot be used
 */
export async function openAssets(
  options: { readonly loaded: LoadedConfig; readonly credentials: Credentials },
  parts: {
    readonly store: MeteringStore;
    readonly ids: IdSource;
    readonly nowMs: () => number;
    readonly recorder: Recorder;
  },
): Promise<{ readonly assets: Assets; readonly inputs: MediaInputs }> {
  const { credentials } = options;
  const { config } = options.loaded;
  const { store, recorder, ...rest } = parts;
  const directory = join(config.dataDir, 'assets');
  const { maxPixels, keepFreeBytes } = config.assets;
  const staging = new Staging({ directory: join(directory, 'tmp'), maxPixels, keepFreeBytes });
  await staging.open();
  const assets = new Assets({
    ...rest,
    onFault: (error) => recorder.fault(error, { task: 'assets' }),
    records: store.assets,
    blobs: await openBlobs(config.assets, directory),
    staging,
    urls: new AssetUrls(credentials.encryptionKey),
    settings: settingsOf(config),
    planOf: async (customerId) => (await store.directory.customer(customerId))?.plan.id ?? null,
  });
  assets.startUpkeep(EXPIRY_EVERY_MS);
  const fetcher = new MediaFetcher({
    policy: { allowPrivateHosts: config.assets.allowPrivateHosts },
    userAgent: `alwrity-gateway/${VERSION}`,
    connectTimeoutMs: config.timeouts.connectMs,
    timeoutMs: config.assets.fetchTimeoutMs,
    idleMs: config.timeouts.betweenEventsMs,
  });
  return { assets, inputs: new MediaInputs(assets, fetcher) };
}
