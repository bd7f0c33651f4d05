/**
 * P8: how long things may take.
 *
 * @module
 */

/** Starting values in milliseconds; configuration overrides them per model and route. */
export const DEFAULT_TIMERS = {
  /** TCP and TLS. */
  connectMs: 5000,
  /** Reply headers and the first content event while another candidate is left. */
  firstEventMs: 30_000,
  /** The same when none is left. */
  firstEventAloneMs: 120_000,
  /** Between upstream events. */
  idleMs: 30_000,
  totalTextMs: 600_000,
  totalStreamMs: 3_600_000,
  totalImageMs: 300_000,
  totalAudioMs: 300_000,
  clientStallMs: 60_000,
  drainMs: 30_000,
} as const;

export interface DeadlineInput {
  /** The route's total. */
  readonly totalMs: number;
  /** `x-gateway-timeout-ms`, already validated; null when absent. */
  readonly requestedMs: number | null;
  /** C10: the client's own timeout (`x-stainless-timeout`), used when it named no other; null when absent. */
  readonly clientHintMs: number | null;
}

/** Time for the whole request: the smallest of what governs. */
export function requestDeadlineMs(input: DeadlineInput): number {
  const asked = input.requestedMs ?? input.clientHintMs;
  return asked === null ? input.totalMs : Math.min(input.totalMs, asked);
}

export interface AttemptTimersInput {
  readonly remainingMs: number;
  readonly hasNextCandidate: boolean;
  /** 99th percentile of this model's first event; null while unknown. Slow reasoners get three times that. */
  readonly firstEventP99Ms: number | null;
  /** Overrides of the defaults. */
  readonly timers?:
    | Partial<typeof DEFAULT_TIMERS>
    | Partial<Record<keyof typeof DEFAULT_TIMERS, number>>;
}

export interface AttemptTimers {
  readonly connectMs: number;
  readonly firstEventMs: number;
  readonly idleMs: number;
  readonly totalMs: number;
}

const LEARNED_FACTOR = 3;

/** Timers of one attempt: none outlasts what is left of the request. */
export function attemptTimers(input: AttemptTimersInput): AttemptTimers {
  const timers = { ...DEFAULT_TIMERS, ...input.timers };
  const { remainingMs } = input;
  const configured = input.hasNextCandidate ? timers.firstEventMs : timers.firstEventAloneMs;
  const learned = input.firstEventP99Ms === null ? 0 : input.firstEventP99Ms * LEARNED_FACTOR;
  return {
    connectMs: Math.min(timers.connectMs, remainingMs),
    firstEventMs: Math.min(Math.max(configured, learned), remainingMs),
    idleMs: Math.min(timers.idleMs, remainingMs),
    totalMs: remainingMs,
  };
}
