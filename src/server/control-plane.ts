/**
 * The control plane over a running gateway: what its routes change, the data plane knows at once.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { WebhookTools } from '../alerts/webhook-tools.ts';
import { generateKey, viewConfig, type LoadedConfig } from '../config/index.ts';
import { createAdminApp } from '../dialects/admin/index.ts';
import { hashKey } from '../gateway/caller.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { viewProviders, viewRoute } from '../gateway/route-view.ts';
import { VERSION } from '../version.ts';
import { adminListener, type NodeListener } from './admin-listener.ts';
import { rulesInForce } from './load-price-rules.ts';

/** A listener for everything below `/admin/`. */
export function openControlPlane(
  loaded: LoadedConfig,
  gateway: Gateway,
  webhookTools: WebhookTools,
): NodeListener {
  const { config } = loaded;
  return adminListener(
    gateway,
    createAdminApp({
      store: gateway.store,
      replySeal: gateway.replySeal,
      now: () => gateway.clock.nowMs(),
      ids: gateway.ids,
      hashKey,
      randomKey: () => generateKey(randomBytes),
      onKeyChange: (key) => gateway.directory.putKey(key),
      onCustomerChange: (customer) => gateway.directory.putCustomer(customer),
      onPriceRules: (rules) => gateway.priceRules.replace(rulesInForce(rules)),
      config: () => viewConfig(loaded),
      catalogue: gateway.catalog,
      webhookTools,
      routing: {
        providers: () => viewProviders(gateway),
        explain: (model, operation) => viewRoute(gateway, model, operation),
      },
      removeAsset: (id) => gateway.assets.remove(id),
      cancelJob: (job) => gateway.jobs.cancel(job),
      maxBodyBytes: config.limits.maxBodyBytes.admin,
      maxJsonDepth: config.limits.maxJsonDepth,
      version: VERSION,
      onInternalError: (error, requestId) => gateway.recorder.fault(error, { requestId }),
    }),
  );
}
