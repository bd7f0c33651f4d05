/**
 * The log: one wide structured line per request, secrets redacted, prompts never.
 *
 * @module
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { toMicroseconds } from '../contracts/durations.ts';
import { inputTokensOf, outputTokensOf } from '../contracts/usage.ts';
import type {
  OperatorAlert,
  RefusedRequest,
  Recorder,
  ReplayedRequest,
} from '../gateway/recorder.ts';
import type { Caller } from '../gateway/caller.ts';
import type { RequestRecord } from '../metering/ports.ts';
import { LineBuffer } from './line-buffer.ts';
import type { GatewayMetrics } from './metrics.ts';
import { redactSecrets } from './redact.ts';
import { requestLine } from './request-line.ts';

const STANDARD_ERROR = 2;

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Defaults to standard error, buffered: standard output belongs to the command line's data. */
  readonly destination?: DestinationStream;
}

/** A logger, and the way past it for lines that are written already. */
export interface GatewayLog {
  readonly logger: Logger;
  /** Takes a whole line with its line end. */
  readonly writeLine: (line: string) => void;
  /** Writes what is buffered and lets go of the destination. */
  readonly close: () => void;
}

function logTo(
  destination: DestinationStream,
  level: LogOptions['level'],
  close: () => void,
): GatewayLog {
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return { logger, writeLine: (line) => destination.write(line), close };
}

export function createLog(options: LogOptions): GatewayLog {
  const { destination, level } = options;
  if (destination !== undefined) return logTo(destination, level, () => undefined);
  const buffer = new LineBuffer(STANDARD_ERROR);
  return logTo(buffer, level, () => buffer.close());
}

function describeError(error: unknown): {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
} {
  if (!(error instanceof Error))
    return { type: typeof error, message: redactSecrets(String(error)).slice(0, 1000), stack: '' };
  return {
    type: error.name,
    message: redactSecrets(error.message).slice(0, 1000),
    stack: redactSecrets(error.stack ?? '').slice(0, 4000),
  };
}

/** Writes the wide event and feeds the metrics. */
export class LogRecorder implements Recorder {
  readonly #log: GatewayLog;
  readonly #logger: Logger;
  readonly #metrics: GatewayMetrics;
  readonly #operatorListeners: ((alert: OperatorAlert) => void)[] = [];

  constructor(log: GatewayLog, metrics: GatewayMetrics) {
    this.#log = log;
    this.#logger = log.logger;
    this.#metrics = metrics;
  }

  close(): void {
    this.#log.close();
  }

  requestEnded(request: RequestRecord, caller: Caller): void {
    this.#metrics.request({
      operation: request.operation,
      provider: request.provider ?? 'none',
      model: request.modelServed ?? request.modelAsked,
      status: request.status,
      durationMs: request.finishedAtMs - request.startedAtMs,
      overheadMs: request.overheadMs,
      costUsd: Number(request.costNanoUsd) / 1e9,
      inputTokens: inputTokensOf(request.usage),
      outputTokens: outputTokensOf(request.usage),
    });
    if (this.#logger.isLevelEnabled('info')) this.#log.writeLine(requestLine(request, caller));
  }

  requestRefused(refused: RefusedRequest): void {
    this.#metrics.refusal(refused.error.code);
    this.#logger.info(
      {
        event: 'refusal',
        request_id: refused.requestId,
        method: refused.method,
        route: refused.route,
        status: refused.error.status,
        error_code: refused.error.code,
        param: refused.error.param ?? undefined,
        duration_ms: toMicroseconds(refused.durationMs),
      },
      'refused',
    );
  }

  requestReplayed(replayed: ReplayedRequest): void {
    this.#logger.info(
      {
        event: 'replay',
        request_id: replayed.requestId,
        first_request_id: replayed.firstRequestId,
        status: replayed.status,
        duration_ms: toMicroseconds(replayed.durationMs),
      },
      'replayed',
    );
  }

  fault(error: unknown, context: Readonly<Record<string, string>>): void {
    this.#logger.error({ event: 'fault', ...context, error: describeError(error) }, 'fault');
  }

  operatorAlert(alert: OperatorAlert): void {
    const told = { ...alert, detail: redactSecrets(alert.detail).slice(0, 500) };
    this.#logger.warn({ event: 'alert', ...told }, 'alert');
    for (const listener of this.#operatorListeners) listener(told);
  }

  onOperatorAlert(listener: (alert: OperatorAlert) => void): void {
    this.#operatorListeners.push(listener);
  }
}
