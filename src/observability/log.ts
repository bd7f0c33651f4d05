/**
 * The log: one wide structured line per request, secrets redacted, prompts never.
 *
 * @module
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { formatUsd } from '../contracts/money.ts';
import { inputTokensOf, outputTokensOf } from '../contracts/usage.ts';
import type { RefusedRequest, Recorder } from '../gateway/recorder.ts';
import type { Caller } from '../gateway/caller.ts';
import type { RequestRecord } from '../metering/ports.ts';
import type { GatewayMetrics } from './metrics.ts';
import { redactSecrets } from './redact.ts';

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Defaults to standard error, buffered: standard output belongs to the command line's data. */
  readonly destination?: DestinationStream;
}

/** Lines are written in blocks: a system call a line would cost more than the line. */
const BLOCK_BYTES = 64 * 1024;
const FLUSH_INTERVAL_MS = 500;

function bufferedStandardError(): DestinationStream {
  const destination = pino.destination({
    dest: 2,
    sync: false,
    minLength: BLOCK_BYTES,
    // The longest single write, which must exceed the block (sonic-boom refuses anything else).
    maxWrite: 2 * BLOCK_BYTES,
  });
  setInterval(() => destination.flush(), FLUSH_INTERVAL_MS).unref();
  return destination;
}

export function createLogger(options: LogOptions): Logger {
  const destination = options.destination ?? bufferedStandardError();
  return pino(
    { level: options.level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination,
  );
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
  readonly #logger: Logger;
  readonly #metrics: GatewayMetrics;

  constructor(logger: Logger, metrics: GatewayMetrics) {
    this.#logger = logger;
    this.#metrics = metrics;
  }

  requestEnded(request: RequestRecord, caller: Caller): void {
    const inputTokens = inputTokensOf(request.usage);
    const outputTokens = outputTokensOf(request.usage);
    const durationMs = request.finishedAtMs - request.startedAtMs;
    const provider = request.provider ?? 'none';
    const model = request.modelServed ?? request.modelAsked;
    this.#metrics.request({
      operation: request.operation,
      provider,
      model,
      status: request.status,
      durationMs,
      overheadMs: request.overheadMs,
      costUsd: Number(request.costNanoUsd) / 1e9,
      inputTokens,
      outputTokens,
    });
    if (!this.#logger.isLevelEnabled('info')) return;
    this.#logger.info(
      {
        event: 'request',
        request_id: request.requestId,
        customer: caller.customer.id,
        key: caller.key.id,
        operation: request.operation,
        model_asked: request.modelAsked,
        provider,
        model,
        status: request.status,
        error_code: request.errorCode ?? undefined,
        stream: request.stream,
        client_closed: request.clientClosed || undefined,
        attempts: request.attempts,
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        estimated: request.estimated || undefined,
        cost_usd: formatUsd(request.costNanoUsd),
        duration_ms: durationMs,
        first_token_ms:
          request.firstTokenAtMs === null
            ? undefined
            : request.firstTokenAtMs - request.startedAtMs,
        overhead_ms: Math.round(request.overheadMs * 1000) / 1000,
        warnings: request.warnings.length === 0 ? undefined : request.warnings,
        tags: request.tags ?? undefined,
      },
      'request',
    );
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
        duration_ms: Math.round(refused.durationMs * 1000) / 1000,
      },
      'refused',
    );
  }

  fault(error: unknown, context: Readonly<Record<string, string>>): void {
    this.#logger.error({ event: 'fault', ...context, error: describeError(error) }, 'fault');
  }

  operatorAlert(alert: {
    readonly kind: string;
    readonly provider: string;
    readonly detail: string;
  }): void {
    this.#logger.warn(
      { event: 'alert', ...alert, detail: redactSecrets(alert.detail).slice(0, 500) },
      'alert',
    );
  }
}
