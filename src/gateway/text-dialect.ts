/**
 * What a client protocol must do for the text pipeline.
 *
 * @module
 */
import type { GatewayError } from '../contracts/gateway-error.ts';
import type { TextCall } from './text-call.ts';

export interface TextDialect {
  /** @throws GatewayError `invalid_request` naming the field */
  parse(body: Buffer, maxDepth: number): TextCall;
  /** The JSON body of an error. */
  renderError(error: GatewayError, requestId: string): Record<string, unknown>;
  /** The event that ends a broken stream. */
  errorFrame(error: GatewayError, requestId: string): Buffer;
}
