/**
 * Puts the gateway together and listens: the one place where configuration becomes objects.
 *
 * @module
 */
import { randomFillSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DestinationStream } from 'pino';
import {
  createModelCatalog,
  createPriceBook,
  overrideRows,
  seedPriceRows,
} from '../catalog/index.ts';
import {
  generateKey,
  resolveProviders,
  viewConfig,
  type Credentials,
  type Environment,
  type LoadedConfig,
  type ResolvedProviders,
} from '../config/index.ts';
import { createIdSource } from '../contracts/ids.ts';
import type { AlertingService } from '../alerts/alerting-service.ts';
import { createAdminApp } from '../dialects/admin/index.ts';
import { hashKey } from '../gateway/caller.ts';
import { ClientTokens } from '../gateway/client-tokens.ts';
import { DirectoryCache } from '../gateway/directory-cache.ts';
import {
  Lifecycle,
  type ConfiguredProvider,
  type DataPlaneSettings,
  type Gateway,
} from '../gateway/gateway.ts';
import { QuoteTokens } from '../gateway/quotes/quote-token.ts';
import { ReplySeal } from '../gateway/reply-seal.ts';
import { RoutingState } from '../gateway/routing-state.ts';
import { TokenEstimator } from '../gateway/token-estimator.ts';
import { TimerWheel } from '../http/timer-wheel.ts';
import { Upstream } from '../http/upstream.ts';
import type { MeteringStore } from '../metering/ports.ts';
import { createLog, LogRecorder } from '../observability/log.ts';
import { GatewayMetrics } from '../observability/metrics.ts';
import { PROVIDERS } from '../providers/registry.ts';
import { simProvider } from '../providers/sim/provider.ts';
import { createSimulator, type Simulator } from '../simulators/index.ts';
import { databasePath } from '../store/sqlite/database.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { VERSION } from '../version.ts';
import { archivePrices } from './archive-prices.ts';
import { billingRoutes } from './billing-routes.ts';
import { openAlerting } from './alerting.ts';
import { openPriceRules, rulesInForce } from './load-price-rules.ts';
import { bootstrapDirectory } from './bootstrap.ts';
import { DataPlane } from './data-plane.ts';
import { createRoutes } from './create-routes.ts';
import { tuneRuntime } from './runtime-tuning.ts';
import { adminListener } from './admin-listener.ts';
import { createHttpServer } from './http-server.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
/** A whole answer takes as long as its last token; this much patience while another candidate could answer. */
const WHOLE_REPLY_WITH_FALLBACK_MS = 90_000;
const CONNECTIONS_PER_ORIGIN_MAX = 1024;

export interface StartOptions {
  readonly loaded: LoadedConfig;
  readonly credentials: Credentials;
  readonly environment: Environment;
  /** Where log lines go; standard error by default. */
  readonly logDestination?: DestinationStream;
}

export interface RunningGateway {
  readonly url: string;
  readonly port: number;
  readonly gateway: Gateway;
  readonly providers: ResolvedProviders;
  readonly simulated: boolean;
  readonly durability: string;
  /** Sentences for the operator that only the open store could tell. */
  readonly warnings: readonly string[];
  /** Stops accepting, lets running calls end within the drain limit, books everything, closes. */
  stop(): Promise<void>;
}

function settingsOf(loaded: LoadedConfig): DataPlaneSettings {
  const { limits, timeouts, stream, unknownParameters, customers } = loaded.config;
  return {
    maxBodyBytes: limits.maxBodyBytes.chat,
    maxReplyBytes: limits.maxReplyBytes,
    maxJsonDepth: limits.maxJsonDepth,
    unknownParameters,
    autoCreatePlanId: customers.autoCreate === false ? null : customers.autoCreate,
    commit: stream.commit,
    keepaliveMs: stream.keepaliveMs,
    headersAfterMs: stream.headersAfterMs,
    firstEventMs: timeouts.firstEventWithFallbackMs,
    firstEventAloneMs: timeouts.firstEventMs,
    wholeReplyMs: WHOLE_REPLY_WITH_FALLBACK_MS,
    streamIdleMs: timeouts.betweenEventsMs,
    totalTextMs: timeouts.total.textMs,
    totalStreamMs: timeouts.total.streamMs,
    clientStallMs: timeouts.clientWriteStallMs,
    drainMs: 60_000,
    drainBytes: 8 * MIB,
    drainsMax: 64,
  };
}

async function openSimulator(
  loaded: LoadedConfig,
  providers: ResolvedProviders,
): Promise<Simulator | null> {
  const { simulators } = loaded.config;
  const isOn = simulators === 'on' || (simulators === 'auto' && providers.configured.length === 0);
  return isOn ? createSimulator({ seed: 1 }) : null;
}

function providerMap(
  providers: ResolvedProviders,
  simulator: Simulator | null,
): ReadonlyMap<string, ConfiguredProvider> {
  const map = new Map<string, ConfiguredProvider>();
  for (const provider of providers.configured) {
    const { definition, baseUrl, credential, settings } = provider;
    map.set(definition.id, { definition, baseUrl, credential, settings, simulated: false });
  }
  if (simulator !== null) {
    map.set(simProvider.id, {
      definition: simProvider,
      baseUrl: `${simulator.url}/openai`,
      credential: null,
      settings: {},
      simulated: true,
    });
  }
  return map;
}

async function buildGateway(
  options: StartOptions,
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
  const providers = providerMap(parts.providers, parts.simulator);
  const { snapshot, warnings } = await bootstrapDirectory({
    store: parts.store,
    keys: { admin: options.credentials.adminKey, service: options.credentials.apiKey },
    ids,
    nowMs: clock.nowMs(),
  });
  const gateway: Gateway = {
    settings: settingsOf(options.loaded),
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
    recorder: new LogRecorder(
      createLog({
        level: config.logging.level,
        ...(options.logDestination === undefined ? {} : { destination: options.logDestination }),
      }),
      metrics,
    ),
    estimator: new TokenEstimator(),
    priceRules: await openPriceRules(parts.store.prices),
    quoteTokens: new QuoteTokens(options.credentials.encryptionKey),
    lifecycle,
  };
  return { gateway, metrics, warnings };
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve(server.address() as AddressInfo);
    });
  });
}

/** A folder that has credentials but no database was not always empty. */
function missingLedgerWarning({ loaded, credentials }: StartOptions): readonly string[] {
  const path = databasePath(loaded.config.dataDir);
  if (credentials.origins.apiKey !== 'file' || existsSync(path)) return [];
  return [
    `${path} was missing beside an existing credentials.json: started with an empty ledger. Stop and restore a backup if that is not what you want.`,
  ];
}

/**
 * Starts a gateway in this process.
 *
 * @throws ConfigError for settings that cannot be, Error of `listen` (EADDRINUSE), and the store's sentence when
 *   another process holds the data folder
 */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  tuneRuntime();
  const { loaded } = options;
  const { config } = loaded;
  const providers = resolveProviders(PROVIDERS, options.environment, config);
  const missing = missingLedgerWarning(options);
  const { requestsDays } = config.retention;
  const store = await openSqliteStore({
    dataDir: config.dataDir,
    durability: config.durability,
    unknownPolicy: config.metering.unknownPolicy,
    unknownGraceMs: config.metering.unknownGraceMs,
    deploymentLimits: config.metering.limits,
    keepRequestsMs: requestsDays === false ? null : requestsDays * DAY_MS,
  });
  const simulator = await openSimulator(loaded, providers);
  const { gateway, metrics, warnings } = await buildGateway(options, {
    store,
    providers,
    simulator,
  });
  const alerting = openAlerting(options, gateway, metrics);
  const dataPlane = new DataPlane(
    gateway,
    createRoutes(gateway, metrics, billingRoutes(gateway, config.billing)),
    config.limits.maxInFlight,
  );
  const admin = adminListener(
    gateway,
    createAdminApp({
      store,
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
      webhookTools: alerting,
      maxBodyBytes: config.limits.maxBodyBytes.admin,
      maxJsonDepth: config.limits.maxJsonDepth,
      version: VERSION,
      onInternalError: (error, requestId) => gateway.recorder.fault(error, { requestId }),
    }),
  );
  const server = createHttpServer(loaded, gateway.ids);
  server.on('request', (request, response) => {
    if (request.url?.startsWith('/admin/') === true) admin(request, response);
    else void dataPlane.handle(request, response);
  });
  await archivePrices(store.prices, gateway.catalog.priceBook);
  const address = await listen(server, config.host, config.port);
  alerting.start();
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    gateway,
    providers,
    simulated: simulator !== null,
    durability: store.durability,
    warnings: [...missing, ...warnings],
    stop: () =>
      stopGateway({ server, gateway, alerting, simulator, drainMs: config.drainTimeoutMs }),
  };
}

async function waitForIdle(gateway: Gateway, untilMs: number): Promise<void> {
  while (gateway.lifecycle.inFlight > 0 && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const INTERRUPT_GRACE_MS = 5_000;

async function stopGateway(parts: {
  readonly server: Server;
  readonly gateway: Gateway;
  readonly alerting: AlertingService;
  readonly simulator: Simulator | null;
  readonly drainMs: number;
}): Promise<void> {
  const { server, gateway, alerting, simulator } = parts;
  gateway.lifecycle.draining = true;
  // The port stays open meanwhile: readiness says 503, and new work is told to go elsewhere (F74).
  await waitForIdle(gateway, performance.now() + parts.drainMs);
  for (const interrupt of gateway.lifecycle.interrupts) interrupt();
  await waitForIdle(gateway, performance.now() + INTERRUPT_GRACE_MS);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
  await gateway.upstream.close();
  gateway.wheel.close();
  await alerting.close();
  await gateway.store.close();
  await simulator?.close();
  gateway.recorder.close();
}
