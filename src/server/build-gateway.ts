/**
 * What a call runs on: directory, catalogue, providers, upstream, log and metrics, over an open store.
 *
 * @module
 */
import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { DestinationStream } from 'pino';
import {
  createModelCatalog,
  createPriceBook,
  overrideRows,
  overrideFacts,
  seedModelFacts,
  seedPriceRows,
} from '../catalog/index.ts';
import type { Credentials, LoadedConfig, ResolvedProviders } from '../config/index.ts';
import { createIdSource } from '../contracts/ids.ts';
import { ClientTokens } from '../gateway/client-tokens.ts';
import { modelReview } from '../gateway/content-review.ts';
import { DirectoryCache } from '../gateway/directory-cache.ts';
import { JobRunner } from '../gateway/jobs/job-runner.ts';
import { Lifecycle, type Gateway } from '../gateway/gateway.ts';
import { QuoteTokens } from '../gateway/quotes/quote-token.ts';
import { ReplySeal } from '../gateway/reply-seal.ts';
import { RoutingState } from '../gateway/routing-state.ts';
import { TokenEstimator } from '../gateway/token-estimator.ts';
import { TimerWheel } from '../http/timer-wheel.ts';
import { Upstream } from '../http/upstream.ts';
import type { MeteringStore } from '../metering/ports.ts';
import { createLog, LogRecorder } from '../observability/log.ts';
import { registerAssetMetrics } from '../observability/asset-metrics.ts';
import { GatewayMetrics } from '../observability/metrics.ts';
import type { Simulator } from '../simulators/index.ts';
import { openAssets } from './asset-store.ts';
import { bootstrapDirectory } from './bootstrap.ts';
import { configuredProviders } from './configured-providers.ts';
import { dataPlaneSettings } from './data-plane-settings.ts';
import { openHoldParts } from './hold-keeping.ts';
import { openPriceRules } from './load-price-rules.ts';

const CONNECTIONS_PER_ORIGIN_MAX = 1024;

export interface GatewayOptions {
  readonly loaded: LoadedConfig;
  readonly credentials: Credentials;
  /** Where log lines go; standard error by default. */
  readonly logDestination?: DestinationStream;
}

/** Builds the gateway over an open store, and loads what it keeps in memory. */
export async function buildGateway(
  options: GatewayOptions,
  parts: {
    readonly store: MeteringStore;
    readonly providers: ResolvedProviders;
    readonly simulator: Simulator | null;
  },
): Promise<{ gateway: Gateway; metrics: GatewayMetrics; warnings: readonly string[] }> {
  const { config } = options.loaded;
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const ids = createIdSource(clock.nowMs, (target) => randomFillSync(target));
  const lifecycle = new Lifecycle();
  const metrics = new GatewayMetrics({ inFlight: () => lifecycle.inFlight });
  const providers = configuredProviders(parts.providers, parts.simulator);
  const { snapshot, warnings } = await bootstrapDirectory({
    store: parts.store,
    keys: { admin: options.credentials.adminKey, service: options.credentials.apiKey },
    ids,
    nowMs: clock.nowMs(),
  });
  const recorder = new LogRecorder(
    createLog({
      level: config.logging.level,
      ...(options.logDestination === undefined ? {} : { destination: options.logDestination }),
    }),
    metrics,
  );
  const gateway: Gateway = {
    settings: dataPlaneSettings(options.loaded),
    store: parts.store,
    replySeal: new ReplySeal(options.credentials.encryptionKey),
    directory: new DirectoryCache(snapshot, new ClientTokens(options.credentials.encryptionKey)),
    catalog: createModelCatalog({
      configuredProviders: [...providers.values()].map(({ definition }) => ({
        id: definition.id,
        ...(definition.priceBookId === undefined ? {} : { priceBookId: definition.priceBookId }),
      })),
      aliases: config.models.aliases,
      priceBook: createPriceBook(overrideRows(seedPriceRows(), config.models.prices)),
      facts: overrideFacts(seedModelFacts(), config.models.facts),
    }),
    providers,
    upstream: new Upstream({
      connectTimeoutMs: config.timeouts.connectMs,
      maxConnectionsPerOrigin: CONNECTIONS_PER_ORIGIN_MAX,
    }),
    wheel: new TimerWheel(clock.monotonicMs),
    clock,
    ids,
    random: Math.random,
    routing: new RoutingState(),
    recorder,
    estimator: new TokenEstimator(),
    priceRules: await openPriceRules(parts.store.prices),
    review: config.moderation.model === '' ? null : modelReview(config.moderation),
    quoteTokens: new QuoteTokens(options.credentials.encryptionKey),
    ...(await openAssets(options, { store: parts.store, ids, nowMs: clock.nowMs, recorder })),
    jobs: new JobRunner(),
    lifecycle,
    ...openHoldParts(options.loaded, { store: parts.store, clock, recorder, metrics }),
  };
  registerAssetMetrics(metrics.registry, () => gateway.assets.totals());
  return { gateway, metrics, warnings };
}
