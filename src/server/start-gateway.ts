/**
 * Puts the gateway together and listens: the one place where configuration becomes objects.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  resolveProviders,
  type Environment,
  type LoadedConfig,
  type ResolvedProviders,
} from '../config/index.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { MeteringStore } from '../metering/ports.ts';
import { PROVIDERS } from '../providers/registry.ts';
import { simProvider } from '../providers/sim/provider.ts';
import { databasePath } from '../store/sqlite/database.ts';
import { openSqliteStore } from '../store/sqlite/open-sqlite-store.ts';
import { openAlerting, walletAlertLevels } from './alerting.ts';
import { archivePrices } from './archive-prices.ts';
import { billingRoutes } from './billing-routes.ts';
import { buildGateway, type GatewayOptions } from './build-gateway.ts';
import { openSimulator } from './configured-providers.ts';
import { openControlPlane } from './control-plane.ts';
import { createRoutes } from './create-routes.ts';
import { DataPlane } from './data-plane.ts';
import { isBehindFarewell } from './farewell.ts';
import { type HoldKeeping, openHoldKeeping } from './hold-keeping.ts';
import { openPlainFront } from './front/open-plain-front.ts';
import { createHttpServer, requestLimits } from './http-server.ts';
import { NodeExchange } from './node-exchange.ts';
import { tuneRuntime } from './runtime-tuning.ts';
import { stopGateway } from './stop-gateway.ts';

const DAY_MS = 86_400_000;

export interface StartOptions extends GatewayOptions {
  readonly environment: Environment;
  /** What reads plain posts: the gateway's own front by default, or `node:http`, which reads all else. */
  readonly front?: 'plain' | 'node';
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
  readonly holdKeeping: HoldKeeping;
  /** Stops accepting, lets running calls end within the drain limit, books everything, closes. */
  stop(): Promise<void>;
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

/** Settings of the store, and the store. */
function openStore({ config }: LoadedConfig): Promise<MeteringStore> {
  const { requestsDays } = config.retention;
  return openSqliteStore({
    dataDir: config.dataDir,
    durability: config.durability,
    unknownPolicy: config.metering.unknownPolicy,
    unknownGraceMs: config.metering.unknownGraceMs,
    deploymentLimits: config.metering.limits,
    walletAlerts: walletAlertLevels(config),
    keepRequestsMs: requestsDays === false ? null : requestsDays * DAY_MS,
  });
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
  const providers = resolveProviders([...PROVIDERS, simProvider], options.environment, config);
  const missing = missingLedgerWarning(options);
  const store = await openStore(loaded);
  const simulator = await openSimulator(loaded, providers);
  const { gateway, metrics, warnings } = await buildGateway(options, {
    store,
    providers,
    simulator,
  });
  const alerting = openAlerting(options, gateway, metrics);
  const holdKeeping = openHoldKeeping(loaded, gateway, metrics);
  const dataPlane = new DataPlane(
    gateway,
    createRoutes(gateway, metrics, billingRoutes(gateway, config.billing)),
    config.limits.maxInFlight,
  );
  const admin = openControlPlane(loaded, gateway, alerting);
  const limits = requestLimits(loaded);
  const server = createHttpServer(limits, gateway.ids);
  server.on('request', (request, response) => {
    if (isBehindFarewell(request)) return;
    if (request.url?.startsWith('/admin/') === true) admin(request, response);
    else void dataPlane.handle(new NodeExchange(request, response, dataPlane.identify()));
  });
  const front = options.front === 'node' ? null : openPlainFront(server, dataPlane, limits);
  await archivePrices(store.prices, gateway.catalog.priceBook);
  const address = await listen(server, config.host, config.port);
  await gateway.jobs.start(gateway);
  alerting.start();
  holdKeeping.start();
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    gateway,
    providers,
    simulated: simulator !== null,
    durability: store.durability,
    warnings: [...missing, ...warnings],
    holdKeeping,
    stop: () =>
      stopGateway({
        server,
        front,
        gateway,
        alerting,
        holdKeeping,
        simulator,
        drainMs: config.drainTimeoutMs,
      }),
  };
}
