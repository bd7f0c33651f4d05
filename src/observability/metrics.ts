/**
 * Prometheus metrics of the process.
 *
 * @module
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { RequestSeries, type RequestMeasurement } from './request-series.ts';

export class GatewayMetrics {
  readonly #registry = new Registry();
  readonly #requests = new RequestSeries();
  readonly #refusals: Counter;

  constructor(readings: { readonly inFlight: () => number }) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    this.#refusals = new Counter({
      name: 'gateway_refusals_total',
      help: 'Requests refused before a provider was called.',
      labelNames: ['code'],
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

  /** Where series of other topics are registered. */
  get registry(): Registry {
    return this.#registry;
  }

  request(measured: RequestMeasurement): void {
    this.#requests.add(measured);
  }

  refusal(code: string): void {
    this.#refusals.labels(code).inc(1);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything in the text format. */
  async text(): Promise<string> {
    return `${await this.#registry.metrics()}\n${this.#requests.text()}`;
  }
}
