/**
 * Where requests are told about: one wide log event and the metrics of each. A port, so that the pipeline knows
 * neither format nor destination.
 *
 * @module
 */
import type { GatewayError } from '../contracts/gateway-error.ts';
import type { RequestRecord } from '../metering/ports.ts';
import type { Caller } from './caller.ts';

/** A request that ended before it held anything: refused, malformed, unauthenticated. */
export interface RefusedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly route: string;
  readonly error: GatewayError;
  readonly durationMs: number;
}

/** A reply that was sent again under its idempotency key. */
export interface ReplayedRequest {
  readonly requestId: string;
  /** The call whose reply it is. */
  readonly firstRequestId: string;
  readonly status: number;
  readonly durationMs: number;
}

/** What only the operator can mend. */
export interface OperatorAlert {
  readonly kind: string;
  readonly provider: string;
  readonly detail: string;
}

export interface Recorder {
  requestEnded(request: RequestRecord, caller: Caller): void;
  requestRefused(refused: RefusedRequest): void;
  requestReplayed(replayed: ReplayedRequest): void;
  /** A fault of our own: the only place where a stack is written. */
  fault(error: unknown, context: Readonly<Record<string, string>>): void;
  /** Something the operator must act on, such as a refused provider credential. */
  operatorAlert(alert: OperatorAlert): void;
  /** Has operator alerts told to `listener` too. */
  onOperatorAlert(listener: (alert: OperatorAlert) => void): void;
  /** Writes what is buffered; nothing is recorded afterwards. */
  close(): void;
}
