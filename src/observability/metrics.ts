/**
 * Prometheus metrics of the process. Label children are looked up once per combination and kept.
 *
 * @module
 */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

const LATENCY_BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const OVERHEAD_BUCKETS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];
/** Combinations kept apart; models come from callers, so that the rest is counted under `other`. */
const LABEL_SETS_MAX = 2_000;

interface RequestChildren {
  readonly requests: Counter.Internal;
  readonly duration: Histogram.Internal<string>;
  readonly overhead: Histogram.Internal<string>;
  readonly cost: Counter.Internal;
  readonly inputTokens: Counter.Internal;
  readonly outputTokens: Counter.Internal;
}

export interface RequestMeasurement {
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
  readonly status: number;
  readonly durationMs: number;
  readonly overheadMs: number;
  readonly costUsd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export class GatewayMetrics {
  readonly registry = new Registry();
  readonly #requests: Counter;
  readonly #refusals: Counter;
  readonly #duration: Histogram;
  readonly #overhead: Histogram;
  readonly #cost: Counter;
  readonly #tokens: Counter;
  readonly #children = new Map<string, RequestChildren>();

  constructor(readings: { readonly inFlight: () => number }) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    const names = ['operation', 'provider', 'model', 'status'];
    this.#requests = new Counter({
      name: 'gateway_requests_total',
      help: 'Calls that reached a provider.',
      labelNames: names,
      registers,
    });
    this.#refusals = new Counter({
      name: 'gateway_refusals_total',
      help: 'Requests refused before a provider was called.',
      labelNames: ['code'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'gateway_request_seconds',
      help: 'Whole duration of a call.',
      labelNames: ['operation', 'provider', 'model'],
      buckets: LATENCY_BUCKETS_S,
      registers,
    });
    this.#overhead = new Histogram({
      name: 'gateway_overhead_seconds',
      help: 'Time of a call that was not spent on a provider.',
      labelNames: ['operation'],
      buckets: OVERHEAD_BUCKETS_S,
      registers,
    });
    this.#cost = new Counter({
      name: 'gateway_cost_usd_total',
      help: 'Cost booked, in US dollars (approximate here; the ledger is exact).',
      labelNames: ['provider', 'model'],
      registers,
    });
    this.#tokens = new Counter({
      name: 'gateway_tokens_total',
      help: 'Tokens booked.',
      labelNames: ['provider', 'model', 'direction'],
      registers,
    });
    new Gauge({
      name: 'gateway_in_flight',
      help: 'Requests in progress.',
      registers,
      collect() {
        this.set(readings.inFlight());
      },
    });
  }

  request(measured: RequestMeasurement): void {
    const children = this.#childrenOf(measured);
    children.requests.inc(1);
    children.duration.observe(measured.durationMs / 1000);
    children.overhead.observe(measured.overheadMs / 1000);
    if (measured.costUsd > 0) children.cost.inc(measured.costUsd);
    if (measured.inputTokens > 0) children.inputTokens.inc(measured.inputTokens);
    if (measured.outputTokens > 0) children.outputTokens.inc(measured.outputTokens);
  }

  refusal(code: string): void {
    this.#refusals.labels(code).inc(1);
  }

  #childrenOf(measured: RequestMeasurement): RequestChildren {
    const { operation, provider, status } = measured;
    const key = `${operation}|${provider}|${measured.model}|${status}`;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const model = this.#children.size >= LABEL_SETS_MAX ? 'other' : measured.model;
    const children: RequestChildren = {
      requests: this.#requests.labels(operation, provider, model, String(status)),
      duration: this.#duration.labels(operation, provider, model),
      overhead: this.#overhead.labels(operation),
      cost: this.#cost.labels(provider, model),
      inputTokens: this.#tokens.labels(provider, model, 'input'),
      outputTokens: this.#tokens.labels(provider, model, 'output'),
    };
    if (model !== 'other') this.#children.set(key, children);
    return children;
  }
}
