/**
 * Metrics of the outbox: what waits, how long delivery takes, what fails.
 *
 * @module
 */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface AttemptMeasurement {
  readonly result: 'delivered' | 'failed' | 'dead';
  /** From the event to now. */
  readonly latencyMs: number;
}

/** `webhook`, `email` or `slack`: single destinations would be series without end. */
function channelOf(destination: string): string {
  if (destination.startsWith('wh_')) return 'webhook';
  return destination.startsWith('email:') ? 'email' : destination;
}

export class DeliveryMetrics {
  readonly #attempts: Counter;
  readonly #latency: Histogram;

  /** @param depth asked at every scrape */
  constructor(
    registry: Registry,
    depth: () => Promise<{ readonly pending: number; readonly dead: number }>,
  ) {
    const registers = [registry];
    this.#attempts = new Counter({
      name: 'gateway_outbox_attempts_total',
      help: 'Attempts to deliver an event, by channel and result (delivered, failed and to be retried, dead).',
      labelNames: ['channel', 'result'],
      registers,
    });
    this.#latency = new Histogram({
      name: 'gateway_outbox_delivery_seconds',
      help: 'Time from an event to its delivery.',
      labelNames: ['channel'],
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 1800, 7200, 43_200],
      registers,
    });
    new Gauge({
      name: 'gateway_outbox_depth',
      help: 'Deliveries that wait for an attempt, and dead letters.',
      labelNames: ['state'],
      registers,
      async collect() {
        const { pending, dead } = await depth();
        this.set({ state: 'pending' }, pending);
        this.set({ state: 'dead' }, dead);
      },
    });
  }

  attempted(destination: string, { result, latencyMs }: AttemptMeasurement): void {
    const channel = channelOf(destination);
    this.#attempts.labels(channel, result).inc(1);
    if (result === 'delivered') this.#latency.labels(channel).observe(latencyMs / 1000);
  }
}
