/**
 * What a client protocol must do for the pipeline.
 *
 * @module
 */
import type { GatewayError } from '../contracts/gateway-error.ts';
import type { Operation } from '../contracts/metering.ts';
import type { JobRecord } from '../metering/job-port.ts';
import type { Caller, HeaderReader } from './caller.ts';
import type { Call } from './call-run.ts';
import type { DataPlaneSettings, Gateway } from './gateway.ts';

/** What parsing works with beside the body: limits, and what a body may name without holding it. */
export type ParseContext = Pick<Gateway, 'settings' | 'inputs' | 'store'>;

/** The request that a body came with. */
export interface RequestOrigin {
  readonly exchange: HeaderReader;
  readonly caller: Caller;
}

export interface Dialect {
  /** Null where the body says: {@link parse} holds it against the key's scope. */
  readonly operation: Operation | null;
  /** Whether bodies may be `multipart/form-data` instead of JSON, and whether they may be JSON at all. */
  readonly bodies: 'json' | 'form' | 'json_or_form';
  maxBodyBytes(settings: DataPlaneSettings): number;
  /** @throws GatewayError `invalid_request` naming the field; also as the rejection of a promise */
  parse(body: Buffer, context: ParseContext, origin: RequestOrigin): Call | Promise<Call>;
  /** The reply to a caller who does not wait for the end of a job; absent: 202 and the job. */
  renderJob?(
    job: JobRecord,
    at: { readonly nowMs: number; readonly addresses: ReadonlyMap<string, string> },
  ): { readonly status: number; readonly body: Readonly<Record<string, unknown>> };
  /** The JSON body of an error. */
  renderError(error: GatewayError, requestId: string): Record<string, unknown>;
  /** The event that ends a broken stream of events. */
  errorFrame(error: GatewayError, requestId: string): Buffer;
}
