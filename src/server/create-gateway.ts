/**
 * The gateway for programs that run it inside themselves.
 *
 * @module
 */
import { resolve } from 'node:path';
import { loadConfig, loadCredentials, readConfigFile, type Environment } from '../config/index.ts';
import { startGateway } from './start-gateway.ts';

export interface CreateGatewayOptions {
  /** Settings by path as in the configuration file, such as `{ port: 0, dataDir: './data' }`; they win over all else. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Configuration file; by default the one `GATEWAY_CONFIG` names, else `gateway.yaml` where there is one. */
  readonly configFile?: string;
  /** Variables with settings, the gateway's own keys and provider keys. Default: those of the process. */
  readonly environment?: Environment;
}

export interface EmbeddedGateway {
  /** Such as `http://127.0.0.1:8790`. */
  readonly url: string;
  readonly port: number;
  /** Service key that acts as customer `default`. */
  readonly apiKey: string;
  /** Key of the control plane below `/admin/v1`. */
  readonly adminKey: string;
  /** Stops accepting, lets running calls end within the drain limit, books everything, closes. */
  stop(): Promise<void>;
}

/**
 * Starts a gateway in this process, as `alwrity-gateway start` does in one of its own, and answers once it listens.
 *
 * @throws ConfigError for settings that cannot be, Error of `listen` (EADDRINUSE), and an Error when another process
 *   holds the data folder
 */
export async function createGateway(options: CreateGatewayOptions = {}): Promise<EmbeddedGateway> {
  const environment = options.environment ?? process.env;
  const loaded = loadConfig({
    ...(options.settings === undefined ? {} : { flags: options.settings }),
    environment,
    file: readConfigFile({
      named: options.configFile ?? null,
      environment,
      workingDirectory: process.cwd(),
    }),
  });
  const dataDir = resolve(loaded.config.dataDir);
  const credentials = loadCredentials({ dataDir, environment });
  const running = await startGateway({ loaded, credentials, environment });
  return {
    url: running.url,
    port: running.port,
    apiKey: credentials.apiKey,
    adminKey: credentials.adminKey,
    stop: () => running.stop(),
  };
}
