/**
 * Metrics of stored media.
 *
 * @module
 */
import { Gauge, type Registry } from 'prom-client';

/** @param totals asked at every scrape */
export function registerAssetMetrics(
  registry: Registry,
  totals: () => Promise<{ readonly assets: number; readonly bytes: number }>,
): void {
  new Gauge({
    name: 'gateway_assets',
    help: 'Stored media: how many assets there are.',
    registers: [registry],
    async collect() {
      this.set((await totals()).assets);
    },
  });
  new Gauge({
    name: 'gateway_asset_bytes',
    help: 'Stored media: bytes of all assets, those of equal content counted each.',
    registers: [registry],
    async collect() {
      this.set((await totals()).bytes);
    },
  });
}
