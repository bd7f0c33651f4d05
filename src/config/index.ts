/**
 * The configuration's public door.
 *
 * @module
 */
export { ConfigError, type ConfigProblem } from './config-error.ts';
export {
  KEY_LENGTH_MIN,
  generateKey,
  loadCredentials,
  type CredentialOptions,
  type CredentialOrigin,
  type Credentials,
} from './credentials.ts';
export { configJsonSchema, type JsonSchemaNode } from './json-schema.ts';
export {
  describeOrigin,
  loadConfig,
  readConfigFile,
  type Environment,
  type LoadedConfig,
  type LoadOptions,
  type Origin,
} from './load.ts';
export { nearestName } from './nearest-name.ts';
export { REDACTED, viewConfig, type ConfigView } from './redact.ts';
export {
  resolveProviders,
  type ConfiguredProvider,
  type ResolvedProviders,
  type UnconfiguredProvider,
} from './resolve-providers.ts';
export { configSchema, type GatewayConfig, type ProviderSettings } from './schema.ts';
export { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from './units.ts';
