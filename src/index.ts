/**
 * The package's door: a gateway inside another program.
 *
 * @module
 * @example
 * const gateway = await createGateway({ settings: { port: 0 } });
 * // call `${gateway.url}/v1/chat/completions` with `gateway.apiKey`
 * await gateway.stop();
 */
export { ConfigError, type Environment } from './config/index.ts';
export {
  createGateway,
  type CreateGatewayOptions,
  type EmbeddedGateway,
} from './server/create-gateway.ts';
export { VERSION } from './version.ts';
